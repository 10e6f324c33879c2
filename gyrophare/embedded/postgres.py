"""A PostgreSQL of our own: made at the first start, kept in the data folder, gone with the process."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from gyrophare.embedded import guard
from gyrophare.embedded.account import Account, choose_account, find_programs
from gyrophare.embedded.folder import POLL_S, EmbeddedError, FolderLock, free_port, tail

logger = logging.getLogger(__name__)

USER = "gyrophare"
DATABASE = "postgres"
MAJOR = "18"
INITDB_WAIT_S = 120.0
READY_WAIT_S = 300.0  # replaying the log after a power cut takes its time
STOP_WAIT_S = guard.ORDERLY_S + guard.FORCED_S + 2.0
PORT_ATTEMPTS = 5

# Nothing of the caller's environment: PG* variables would change the server, secrets are none of its business.
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}

SETTINGS = {
    "cluster_name": "gyrophare",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # their paths end at 107 bytes, data folders do not
    "max_connections": "50",
    "shared_buffers": "96MB",
    "max_wal_size": "512MB",
    # The database is the product's memory: a commit that was answered survives a power cut.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # One file a weekday, emptied when its day comes again.
    "logging_collector": "on",
    "log_directory": "log",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
}


class PostgresServer:
    """A PostgreSQL that lives in `data_dir/postgresql` for as long as this object, or its process, does."""

    def __init__(self, data_dir: Path, settings: Mapping[str, str] | None = None) -> None:
        """`settings` are the server's own (postgresql.conf), over ours."""
        self._settings = SETTINGS | dict(settings or {})
        self.folder = data_dir.expanduser().absolute() / "postgresql"
        self.cluster = self.folder / "data"
        self.password_file = self.folder / "password"
        self._words = self.folder / "start.log"
        self._lock = FolderLock(self.folder)
        self._guard: subprocess.Popen[bytes] | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        """The server's URL, password included. Raise RuntimeError before `start`."""
        if self._url is None:
            raise RuntimeError("The embedded PostgreSQL is not running: call start() first.")
        return self._url

    @staticmethod
    def url_on(port: int, password: str) -> str:
        """The URL of such a server on `port`."""
        return f"postgresql://{USER}:{password}@127.0.0.1:{port}/{DATABASE}"

    def start(self) -> None:
        """Start the server, making the database at the first start; return when it accepts connections.

        Raise EmbeddedError if it cannot: folder in use, of another version or another user, or a refusal of its own.
        """
        if self._guard is not None:
            return
        self._lock.acquire()
        try:
            account = choose_account(self.cluster)
            self._check_version()
            password = self._password(account)
            self._clear_pid_file()
            for attempt in range(1, PORT_ATTEMPTS + 1):
                port = free_port()
                if self._serve(account, port):
                    break
                if attempt == PORT_ATTEMPTS or "could not create any TCP/IP sockets" not in tail(self._words):
                    raise EmbeddedError(
                        f"The embedded PostgreSQL did not start in {self.cluster}. Its words, which were expected to "
                        f"end in readiness: {tail(self._words)}. See also {self.cluster / 'log'}."
                    )
        except BaseException:
            self.stop()
            raise
        self._url = self.url_on(port, password)
        logger.info("The embedded PostgreSQL listens on 127.0.0.1:%d, its data is in %s", port, self.cluster)

    def stop(self) -> None:
        """Stop the server in good order; at worst after STOP_WAIT_S. Again or before a start: nothing happens."""
        self._url = None
        if self._guard is not None:
            self._end_guard()
            logger.info("The embedded PostgreSQL has stopped")
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _check_version(self) -> None:
        if not self.cluster.exists():
            return
        version_file = self.cluster / "PG_VERSION"
        found = version_file.read_text().strip() if version_file.exists() else "unknown"
        if found != MAJOR:
            raise EmbeddedError(
                f"The folder {self.cluster} was made by PostgreSQL {found}; this Gyrophare brings PostgreSQL {MAJOR}. "
                f"Save it with the Gyrophare that made it (pg_dumpall), move {self.folder} away, start again and load "
                "what was saved."
            )

    def _password(self, account: Account) -> str:
        """The password of an existing database, or of the one that is made here and now."""
        if not self.cluster.exists():
            self._make_cluster(account)
        try:
            return self.password_file.read_text().strip()
        except OSError as error:
            raise EmbeddedError(
                f"The database in {self.cluster} is there but its password in {self.password_file} is not "
                f"({error.strerror}). Both were expected. Bring the file back from the backup of this folder."
            ) from error

    def _make_cluster(self, account: Account) -> None:
        """Make the database under another name first: one that was cut short is never taken for a whole one."""
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        self.password_file.unlink(missing_ok=True)
        self.password_file.touch(mode=0o600)
        self.password_file.write_text(secrets.token_urlsafe(32) + "\n")
        if account.is_other:
            os.chown(draft, account.uid, account.gid)
            os.chown(self.password_file, account.uid, account.gid)
        password_fd = os.open(self.password_file, os.O_RDONLY)
        try:
            password_name = account.name_of(self.password_file, password_fd)
            # A provider of PostgreSQL's own: sorting must not change with the system's libraries.
            arguments = ["-U", USER, f"--pwfile={password_name}", "--encoding=UTF8", "--locale=C"]
            arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"]
            arguments += ["--auth-host=scram-sha-256", "--auth-local=reject"]
            process = self._spawn(account, "initdb", draft, arguments, [password_fd])
        finally:
            os.close(password_fd)
        try:
            code: int | None = process.wait(INITDB_WAIT_S)
        except subprocess.TimeoutExpired:
            code = None
        self._end_guard()
        if code != 0:
            raise EmbeddedError(
                f"The database could not be made in {draft} (initdb: {code}). An empty folder on a disk with 100 MB "
                f"free was expected. Its words: {tail(self._words)}"
            )
        draft.rename(self.cluster)
        logger.info("A new database was made in %s", self.cluster)

    def _clear_pid_file(self) -> None:
        """Remove a postmaster.pid whose number now belongs to another program, as happens when containers restart.

        PostgreSQL would refuse to start; every other stale file it deals with itself. Raise EmbeddedError if the
        number does belong to a server in this folder, which somebody must have started by hand.
        """
        pid_file = self.cluster / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
            is_ours = Path(f"/proc/{pid}/cwd").samefile(self.cluster)
        except (OSError, ValueError):
            return  # no file, no such process, or one we may not look into: PostgreSQL knows what to do
        if is_ours:
            raise EmbeddedError(
                f"A PostgreSQL that Gyrophare did not start (process {pid}) runs in {self.cluster}. Nobody else was "
                f"expected there. Stop it: kill -INT {pid}"
            )
        pid_file.unlink(missing_ok=True)

    def _serve(self, account: Account, port: int) -> bool:
        """Start the server on `port`; False if it ended before it was ready."""
        settings = self._settings | {"port": str(port)}
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        process = self._spawn(account, "postgres", self.cluster, arguments, [])
        pid_file = self.cluster / "postmaster.pid"
        for _ in range(round(READY_WAIT_S / POLL_S)):
            if process.poll() is not None:
                self._end_guard()
                return False
            try:
                lines = pid_file.read_text().split("\n")
            except OSError:
                lines = []
            if len(lines) > 7 and lines[3] == str(port) and lines[7].strip() == "ready":
                return True
            time.sleep(POLL_S)
        return False

    def _spawn(
        self, account: Account, program: str, folder: Path, arguments: list[str], fds: list[int]
    ) -> subprocess.Popen[bytes]:
        programs, scratch = find_programs(account)
        folder_fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        command = [sys.executable, "-I", "-S", guard.__file__, str(account.uid), str(account.gid), scratch]
        command += [str(programs / program), "-D", account.name_of(folder, folder_fd), *arguments]
        try:
            with self._words.open("wb") as words:
                self._guard = process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=words,
                    stderr=words,
                    bufsize=0,
                    cwd="/",
                    env=ENVIRONMENT,
                    pass_fds=[self._lock.fd, folder_fd, *fds],
                    start_new_session=True,  # Ctrl-C reaches the parent alone, which still has things to write
                )
        finally:
            os.close(folder_fd)
        return process

    def _end_guard(self) -> None:
        process, self._guard = self._guard, None
        if process is None or process.stdin is None:
            return
        try:
            if process.poll() is None:
                process.stdin.write(b"\n")
            process.wait(STOP_WAIT_S)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            process.kill()  # the guard's end is the server's, at once
            process.wait()
        finally:
            process.stdin.close()
