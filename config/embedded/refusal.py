"""The only exception of this package."""


class StartRefused(Exception):
    """The servers cannot start or continue. The message tells the user why and what to do."""
