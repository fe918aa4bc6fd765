"""Events about an account in words, for its owner and for managers."""

from __future__ import annotations

from django import template
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

register = template.Library()

_ACTS: dict[str, str | Promise] = {
    "created": _("created the account"),
    "changed": _("changed the permissions"),
    "joined": _("joined a stream"),
    "deactivated": _("closed the account"),
    "reactivated": _("reopened the account"),
    "password_reset": _("reset the password"),
    "password_changed": _("changed the password"),
    "signed_in": _("signed in"),
    "signed_out": _("signed out"),
    "sign_in_failed": _("refused a sign-in"),
}


@register.filter
def account_act(verb: str) -> str:
    """The verb of an event about an account as a phrase after its actor."""
    return str(_ACTS.get(verb, verb.replace("_", " ")))


@register.filter
def account_actor(actor: str) -> str:
    """The actor of an event: a person's name, or the system."""
    kind, _colon, name = actor.partition(":")
    return name if kind == "user" else str(_("the system"))
