"""What `up` says while it works: lines that move on a terminal, plain ones in a file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Says things on standard output, each at once and unbroken, because its lines are for copying."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def say(self, text: str) -> None:
        self._console.print(text)

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Show that something is being done, then how long it took."""
        begun = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{doing} ..."):
                yield
        else:
            yield
        self.say(f"{doing}: {time.monotonic() - begun:.1f} s")
