"""The devices' passwords as the embedded broker needs them: rumqttd compares plain texts, and can be given no hash.

They are kept in the broker's own folder, for its owner alone. With a broker that takes hashes nothing is kept here.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from gyrophare.embedded.broker import MqttBroker
from gyrophare.embedded.folder import EmbeddedError


def keep(data_dir: Path, username: str, password: str | None) -> None:
    """Keep the password of a device instead of an earlier one; None forgets it.

    Raise EmbeddedError when it cannot be written.
    """
    path = _path(data_dir)
    known = {name: plain for name, plain in kept(data_dir).items() if name != username}
    if password is not None:
        known[username] = password
    draft = path.with_suffix(".new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(known, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise EmbeddedError(
            f"The embedded broker's passwords cannot be kept in {path} ({error.strerror}). A folder of the user who "
            "starts `gyrophare serve` was expected. Run this command as that user."
        ) from error


def kept(data_dir: Path) -> dict[str, str]:
    """The passwords by name; the registry says which of them still count."""
    try:
        found = json.loads(_path(data_dir).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return {str(name): str(password) for name, password in found.items()}


def _path(data_dir: Path) -> Path:
    return MqttBroker(data_dir).folder / "device-passwords.json"
