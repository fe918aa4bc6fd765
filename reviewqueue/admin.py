"""Read-only Django admin: administrators look up rows here and change them only in the product."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.http import HttpRequest

from reviewqueue.accounts import roles
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


class ReadOnlyAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in its stubs only
    """Let administrators view rows, and nobody change them."""

    show_full_result_count = False  # counting millions of rows on every page is too expensive
    list_per_page = 50

    def has_module_permission(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and roles.may_administer(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("username", "role", "is_active", "last_login")
    exclude = ("password", "groups", "user_permissions")
    search_fields = ("username",)


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    list_display = ("name", "prefix", "scopes", "queues", "expires_at", "revoked_at")
    exclude = ("digest",)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "verb", "object_type", "object_id", "queue")
    ordering = ("-id",)


@admin.register(Verdict)
class VerdictAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "user", "kind", "submitted_at", "undone_at")
    list_select_related = ("user",)
    ordering = ("-id",)


@admin.register(Label)
class LabelAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "round", "outcome", "basis", "settled_at")
    ordering = ("-id",)


@admin.register(Item)
class ItemAdmin(ReadOnlyAdmin):
    list_display = ("id", "reference", "queue", "state", "round", "created_at")
    list_select_related = ("queue",)
    ordering = ("-id",)


@admin.register(Slot)
class SlotAdmin(ReadOnlyAdmin):
    list_display = ("id", "item_id", "kind", "state", "holder", "claim", "reserved_until")
    list_select_related = ("holder",)
    ordering = ("-id",)


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("user", "queue", "created_at")
    list_select_related = ("user", "queue")


for model in (AnswerSchema, Guideline, Pass, Queue):
    admin.site.register(model, ReadOnlyAdmin)
# Roles replace groups.
admin.site.unregister(Group)
