"""The root of every refusal: a stable code for machines and a sentence for people."""

from __future__ import annotations


class DomainError(Exception):
    """Something that was asked for cannot be done. The message is a sentence its reader can act on."""

    code = "refused"
    status = 409


class NotFound(DomainError):
    """It does not exist, or not for this caller."""

    code = "not_found"
    status = 404


class Invalid(DomainError):
    """What was sent makes no sense; `errors` points at the places (`{"pointer", "detail"}`)."""

    code = "invalid"
    status = 400

    def __init__(self, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.errors = errors or []
