"""Read-only Django admin: administrators look up rows here and change them only in the product.

It has no sign-in, sign-out and password pages of its own: the product's own are the only ones, with their lockout and
their events.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext

from reviewqueue.accounts import roles
from reviewqueue.accounts.roles import Forbidden
from reviewqueue.models import (
    AnswerSchema,
    ApiKey,
    Event,
    Guideline,
    Item,
    Label,
    Membership,
    Pass,
    Queue,
    Slot,
    User,
    Verdict,
)

# Not even administrators see these. Passwords and keys are hashed, but a hash can be guessed at; where an item comes
# from and in which lane it waits tells test items and audits apart, and administrators review, too.
HIDDEN_FIELDS = frozenset({"password", "digest", "source", "lane", "rank", "answer_first"})


class ReadOnlyAdminSite(admin.AdminSite):
    """Only our own models, for administrators who are signed in to the product."""

    site_header = site_title = "reviewqueue"

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return isinstance(user, User) and roles.may_administer(user) and not user.must_change_password

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        if not request.user.is_authenticated:
            return redirect_to_login(request.GET.get("next", request.path))
        if isinstance(request.user, User) and request.user.must_change_password:
            return redirect("password")
        raise Forbidden(gettext("Your role does not have access to this page."))

    # Their stubs promise a page, and these are redirects.
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("password")

    password_change_done = password_change  # type: ignore[assignment]


site = ReadOnlyAdminSite(name="admin")


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """Let administrators view rows, and nobody change them."""

    show_full_result_count = False  # counting millions of rows on every page is too expensive
    list_per_page = 50

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Refuse filters in the address that no page offers: by them, any column could be read letter by letter."""
        return lookup in self.list_filter

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> list[str]:
        names = {field.name for field in self.model._meta.get_fields()}
        return [*(self.exclude or ()), *sorted(names & HIDDEN_FIELDS)]

    def has_module_permission(self, request: HttpRequest) -> bool:
        return site.has_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User, site=site)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "role", "is_active", "last_login")
    exclude = ("groups", "user_permissions")
    search_fields = ("username",)


@admin.register(ApiKey, site=site)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "scopes", "queues", "expires_at", "revoked_at")


@admin.register(Event, site=site)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "verb", "object_type", "object_id", "queue")
    ordering = ("-id",)


@admin.register(Verdict, site=site)
class VerdictAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "user", "kind", "submitted_at", "undone_at")
    list_select_related = ("user",)
    ordering = ("-id",)


@admin.register(Label, site=site)
class LabelAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "round", "outcome", "basis", "settled_at")
    ordering = ("-id",)


@admin.register(Item, site=site)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "reference", "queue", "state", "round", "created_at")
    list_select_related = ("queue",)
    ordering = ("-id",)


@admin.register(Slot, site=site)
class SlotAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "kind", "state", "holder", "claim", "reserved_until")
    list_select_related = ("holder",)
    ordering = ("-id",)


@admin.register(Membership, site=site)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "queue", "created_at")
    list_select_related = ("user", "queue")


for model in (AnswerSchema, Guideline, Pass, Queue):
    site.register(model, ReadOnlyAdmin)
