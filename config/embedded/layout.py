"""The folders and files below `var/`, and who may own them."""

import hashlib
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded.refusal import StartRefused

# A unix socket address holds 104 bytes on macOS and 108 on Linux, including the terminating zero.
MAX_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True)
class FolderLayout:
    """The paths below `root`: `var/` for `up`, `var/test/` for the tests."""

    root: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data, or a link to it."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        """Files that are valid only while the servers run."""
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.env"

    @property
    def environment(self) -> Path:
        """The variables by which other `manage.py` processes find the running servers."""
        return self.run / "env"

    @property
    def lock(self) -> Path:
        """Held while a process is in charge of this folder."""
        return self.run / "up.lock"

    @property
    def watchdog_lock(self) -> Path:
        """Held until the last process started here has ended."""
        return self.run / "watchdog.lock"

    @property
    def children(self) -> Path:
        """The processes started here, for the first start after a crash that also killed the watchdog."""
        return self.run / "children.json"

    def make_folders(self) -> None:
        """Create the folders. Raises StartRefused when that fails or they belong to another user."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            require_owner(self.root, owner=os.geteuid())
            self.run.mkdir(exist_ok=True)
            for folder in (self.valkey, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as failure:
            raise StartRefused(f"Cannot create {failure.filename}: {failure.strerror}.") from failure


def require_owner(path: Path, *, owner: int) -> None:
    """Raise StartRefused unless `path` belongs to the user id `owner`."""
    actual = path.lstat().st_uid
    if actual != owner:
        raise StartRefused(
            f"{path} belongs to {find_user_name(actual)}, but this process runs as {find_user_name(os.geteuid())}. "
            f"Start as the same user as before, or move {path} away to start afresh."
        )


def choose_socket_folder(wanted: Path, *, longest_name: str) -> Path:
    """`wanted`, or a temporary folder with a short name if the path of a socket in `wanted` would be too long."""
    if _is_short_enough(wanted / longest_name):
        return wanted
    name = f"reviewqueue-{hash_path(wanted)}"
    usual = Path(tempfile.gettempdir()) / name
    return usual if _is_short_enough(usual / longest_name) else Path("/tmp") / name  # noqa: S108 -- make_private_folder checks it


def make_private_folder(folder: Path, *, uid: int, gid: int) -> None:
    """Create `folder`, accessible only to that user. Raises StartRefused when it belongs to somebody else."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        if folder.is_symlink():
            raise StartRefused(f"{folder} is a link, but must be a folder. Remove it.") from None
        require_owner(folder, owner=uid)
    folder.chmod(0o700)


def hash_path(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def find_user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _is_short_enough(path: Path) -> bool:
    return len(os.fsencode(path)) <= MAX_SOCKET_PATH_BYTES
