"""A password check beside Django's: length, common passwords and similarity to the name."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from reviewqueue.models import User

MIN_DISTINCT_CHARACTERS = 5
MIN_NAME_LENGTH = 3  # shorter usernames occur in many good passwords by chance
PRODUCT_NAME = "reviewqueue"


class VarietyValidator:
    """Refuse passwords of few characters, digits only, or around the name of the person or the product."""

    def validate(self, password: str, user: User | None = None) -> None:
        folded = password.casefold()
        if len(set(folded)) < MIN_DISTINCT_CHARACTERS or folded.isdecimal():
            raise ValidationError(gettext("This password is too uniform. Use more different characters."))
        name = user.username.casefold() if user is not None and len(user.username) >= MIN_NAME_LENGTH else ""
        if any(part and part in folded for part in (PRODUCT_NAME, name)):
            raise ValidationError(
                gettext("This password contains your username or the name of the product. Choose another one.")
            )

    def get_help_text(self) -> str:
        return gettext("Your password must not be made of a few repeated characters or of digits only.")
