"""Where everything lies below `var/`, and who may be in there."""

import hashlib
import os
import pwd
import tempfile
from dataclasses import dataclass
from pathlib import Path

from config.embedded.refusal import Refused

# The address of a unix socket holds 104 bytes on macOS and 108 on Linux, the closing zero among them.
LONGEST_SOCKET_PATH = 103


@dataclass(frozen=True)
class Layout:
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

    def make(self) -> None:
        """Make the folders. Raises Refused when they are another user's."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            refuse_foreign(self.root, owner=os.geteuid())
            self.run.mkdir(exist_ok=True)
            for folder in (self.valkey, self.logs):
                folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as failure:
            raise Refused(f"{failure.filename} can't be made: {failure.strerror}.") from failure


def refuse_foreign(path: Path, *, owner: int) -> None:
    """Raise Refused unless `path` belongs to the user id `owner`."""
    actual = path.lstat().st_uid
    if actual != owner:
        raise Refused(
            f"{path} belongs to {user_name(actual)}, and this runs as {user_name(os.geteuid())}: "
            f"start it as the user who started it first, or move {path} away to begin anew."
        )


def socket_folder(wanted: Path, *, longest_name: str) -> Path:
    """`wanted`, or a folder with a short name in its place when a socket's path in it would be too long."""
    if _fits(wanted / longest_name):
        return wanted
    name = f"reviewqueue-{short_hash(wanted)}"
    usual = Path(tempfile.gettempdir()) / name
    return usual if _fits(usual / longest_name) else Path("/tmp") / name  # noqa: S108 -- make_private checks it


def make_private(folder: Path, *, uid: int, gid: int) -> None:
    """Make `folder`, for that user alone. Raises Refused when someone else was there first."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        if folder.is_symlink():
            raise Refused(f"{folder} is a link, and has to be a folder: remove it.") from None
        refuse_foreign(folder, owner=uid)
    folder.chmod(0o700)


def short_hash(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]


def user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _fits(path: Path) -> bool:
    return len(os.fsencode(path)) <= LONGEST_SOCKET_PATH
