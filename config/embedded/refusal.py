"""The one exception of this package."""


class StartRefused(Exception):
    """Something stands in the way of starting; its text is a sentence for the user that names the way out."""
