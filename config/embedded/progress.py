"""Progress messages of `up`: animated on a terminal, plain in a file."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console


class Progress:
    """Print messages to standard output, unbuffered and without wrapping, so that lines can be copied."""

    def __init__(self) -> None:
        self._console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)

    def say(self, text: str) -> None:
        self._console.print(text)

    @contextmanager
    def step(self, doing: str) -> Iterator[None]:
        """Show that a step is running, then how long it took."""
        begun = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{doing} ..."):
                yield
        else:
            yield
        self.say(f"{doing}: {time.monotonic() - begun:.1f} s")
