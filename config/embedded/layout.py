"""Where everything lies below `var/`, and who may be in there."""

import hashlib
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded.refusal import StartRefused

# The address of a unix socket holds 104 bytes on macOS and 108 on Linux, the closing zero among them.
MAX_SOCKET_PATH_BYTES = 103


@dataclass(frozen=True)
class FolderLayout:
    """The paths below `root`: `var/` for `up`, `var/test/` for the tests."""

    root: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data, or a link to where it really is."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        """What means something only while the servers run."""
        return self.root / "run"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets.env"

    @property
    def environment(self) -> Path:
        """The variables with which another `manage.py` finds the running servers."""
        return self.run / "env"

    @property
    def lock(self) -> Path:
        """Held while something is in charge of this folder."""
        return self.run / "up.lock"

    @property
    def watchdog_lock(self) -> Path:
        """Held until the last process that was started here has ended."""
        return self.run / "watchdog.lock"

    @property
    def children(self) -> Path:
        """Which processes were started here, for the start after a crash that also took the watchdog."""
        return self.run / "children.json"

    def make_folders(self) -> None:
        """Make the folders. Raises Refused when they are another user's."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            require_owner(self.root, owner=os.geteuid())
            self.run.mkdir(exist_ok=True)
            for folder in (self.valkey, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as failure:
            raise StartRefused(f"{failure.filename} can't be made: {failure.strerror}.") from failure


def require_owner(path: Path, *, owner: int) -> None:
    """Raise Refused unless `path` belongs to the user id `owner`."""
    actual = path.lstat().st_uid
    if actual != owner:
        raise StartRefused(
            f"{path} belongs to {find_user_name(actual)}, and this runs as {find_user_name(os.geteuid())}: "
            f"start it as the user who started it first, or move {path} away to begin anew."
        )


def choose_socket_folder(wanted: Path, *, longest_name: str) -> Path:
    """`wanted`, or a folder with a short name in its place when a socket's path in it would be too long."""
    if _is_short_enough(wanted / longest_name):
        return wanted
    name = f"reviewqueue-{hash_path(wanted)}"
    usual = Path(tempfile.gettempdir()) / name
    return usual if _is_short_enough(usual / longest_name) else Path("/tmp") / name  # noqa: S108 -- make_private checks it


def make_private_folder(folder: Path, *, uid: int, gid: int) -> None:
    """Make `folder`, for that user alone. Raises Refused when someone else was there first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        if folder.is_symlink():
            raise StartRefused(f"{folder} is a link, and has to be a folder: remove it.") from None
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
