"""People and the queues they are members of."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    REVIEWER = "reviewer", _("Reviewer")
    LEAD = "lead", _("Lead")
    MANAGER = "manager", _("Manager")
    AUDITOR = "auditor", _("Auditor")
    ADMIN = "admin", _("Administrator")


class User(AbstractUser):
    """A person. Their role says what they may do, their memberships say where."""

    role = models.CharField(max_length=10, choices=Role, default=Role.REVIEWER)
    all_queues = models.BooleanField(default=False, help_text=_("Member of every queue, also of later ones."))
    must_change_password = models.BooleanField(
        default=False, db_default=False, help_text=_("Somebody else has seen the password.")
    )

    class Meta(AbstractUser.Meta):
        constraints = [
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="user_role_is_known"),
        ]

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Preferences(models.Model):
    """A person's desk preferences; there is no row until they change something.

    `keys` maps a desk action to the key the person chose for it, or to "" where they switched it off.
    """

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="preferences")
    keys = models.JSONField(default=dict)
    single_keys = models.BooleanField(default=True)
    break_nudge = models.BooleanField(default=True)
    blur_images = models.BooleanField(default=False)
    grey_images = models.BooleanField(default=False)
    time_zone = models.CharField(max_length=60, blank=True, help_text=_("Blank: the browser's."))

    def __str__(self) -> str:
        return f"preferences of {self.user_id}"


class Membership(models.Model):
    """A person's membership of a queue."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    queue = models.ForeignKey("Queue", on_delete=models.CASCADE, related_name="memberships")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "queue"], name="one_membership_per_queue")]

    def __str__(self) -> str:
        return f"{self.user} in {self.queue}"
