"""The user that PostgreSQL runs as: it refuses to be root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from config.embedded.refusal import StartRefused

OWN_DATABASE_HINT = "set DATABASE_URL to a PostgreSQL of your own"


class ProcessIdentity(TypedDict, total=False):
    """The arguments of `subprocess` that change the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class SystemAccount:
    """A user id that has a name, and whether taking it means dropping root's rights."""

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
        """Whether this user gets into `folder`, asked of the system: parents and ACLs have a say."""
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
                f"PostgreSQL doesn't run as root, and root may not become {self.name} here: "
                f"start this as an ordinary user, or {OWN_DATABASE_HINT}."
            ) from None


def find_postgres_account() -> SystemAccount:
    """The current user, or the one without rights in root's place. Raises Refused when it has no name."""
    if os.geteuid() != 0:
        try:
            entry = pwd.getpwuid(os.geteuid())
        except KeyError:
            raise StartRefused(
                f"PostgreSQL doesn't run for user {os.geteuid()}, which has no entry in the system's list "
                f"of users: {OWN_DATABASE_HINT}, or run this as a user with a name."
            ) from None
        return SystemAccount(entry.pw_uid, entry.pw_gid, entry.pw_name, dropped=False)
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError:
        raise StartRefused(
            "PostgreSQL doesn't run as root, and this system has no user `nobody` to run it as: "
            f"start this as an ordinary user, or {OWN_DATABASE_HINT}."
        ) from None
    return SystemAccount(entry.pw_uid, entry.pw_gid, entry.pw_name, dropped=True)
