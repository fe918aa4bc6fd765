"""The system user that PostgreSQL runs as, because it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from config.embedded.refusal import StartRefused

OWN_DATABASE_HINT = "set DATABASE_URL to your own PostgreSQL"


class ProcessIdentity(TypedDict, total=False):
    """The `subprocess` arguments that change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class SystemAccount:
    """A named system user; `dropped` if running as it means dropping root privileges."""

    uid: int
    gid: int
    name: str
    dropped: bool

    @property
    def identity(self) -> ProcessIdentity:
        if not self.dropped:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def can_enter(self, folder: Path) -> bool:
        """Whether this user can enter `folder`. Asks the system, because parent folders and ACLs matter too."""
        try:
            return (
                subprocess.run(
                    ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)],
                    cwd="/",
                    stderr=subprocess.DEVNULL,
                    check=False,
                    **self.identity,
                ).returncode
                == 0
            )
        except PermissionError:
            raise StartRefused(
                f"PostgreSQL cannot run as root, and root cannot switch to user {self.name} here. "
                f"Start as a regular user, or {OWN_DATABASE_HINT}."
            ) from None


def find_postgres_account() -> SystemAccount:
    """The current user, or `nobody` instead of root. Raises StartRefused when the user has no name or doesn't exist."""
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise StartRefused(
                f"PostgreSQL cannot run as user id {os.geteuid()}, which has no name on this system. "
                f"Start as a named user, or {OWN_DATABASE_HINT}."
            ) from None
        return SystemAccount(entry.pw_uid, entry.pw_gid, entry.pw_name, dropped=False)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StartRefused(
            "PostgreSQL cannot run as root, and this system has no user `nobody` to run it as. "
            f"Start as a regular user, or {OWN_DATABASE_HINT}."
        ) from None
    return SystemAccount(entry.pw_uid, entry.pw_gid, entry.pw_name, dropped=True)
