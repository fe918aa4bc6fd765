"""A copy of the code with an `up` running in it."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.checkout import REPOSITORY, Checkout, UpProcess


@pytest.fixture(scope="module")
def shared_checkout() -> Iterator[Checkout]:
    with tempfile.TemporaryDirectory(prefix="reviewqueue-") as folder:
        root = Path(folder)
        root.chmod(0o755)  # under root, the user that PostgreSQL runs as has to get in
        for part in ("config", "reviewqueue", "escalation", "manage.py"):
            copy = shutil.copytree if (REPOSITORY / part).is_dir() else shutil.copy
            copy(REPOSITORY / part, root / part)
        yield Checkout(root)


@pytest.fixture
def checkout(shared_checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> Iterator[Checkout]:
    """The module's checkout; everything a test starts there is stopped after it."""
    started: list[UpProcess] = []
    run_in_background = Checkout.run_in_background

    def noting(self: Checkout, command: list[str]) -> UpProcess:
        started.append(run_in_background(self, command))
        return started[-1]

    monkeypatch.setattr(Checkout, "run_in_background", noting)
    yield shared_checkout
    for up in started:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGTERM)
        up.wait_until_exit()


@pytest.fixture
def up(checkout: Checkout) -> UpProcess:
    """A running one."""
    up = checkout.start()
    up.wait_until_ready()
    return up
