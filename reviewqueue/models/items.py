"""Items, the slots for their reviews, and who holds which slot."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from reviewqueue.kernel.json_field import OrderedJSONField, SentJSONField


class Lane(models.IntegerChoices):
    """Lanes of a queue: ordinary items; audits and the items that must look like them, which get a reserved share of
    claims; items that wait for a lead."""

    ORDINARY = 0
    CHECKS = 1
    LEAD = 2


class ItemQuerySet(models.QuerySet["Item"]):
    def open(self) -> Self:
        return self.filter(state=Item.State.OPEN)

    def settled(self) -> Self:
        return self.filter(state=Item.State.SETTLED)


class Item(models.Model):
    """One output to review. The id is the output's, so enqueueing is idempotent."""

    class State(models.TextChoices):
        OPEN = "open"
        SETTLED = "settled"
        WITHDRAWN = "withdrawn"
        EXPIRED = "expired"

    id = models.BigIntegerField(primary_key=True)
    queue = models.ForeignKey("Queue", on_delete=models.PROTECT, related_name="items")
    reference = models.CharField(max_length=200, help_text="What the producer calls it.")
    schema = models.ForeignKey("AnswerSchema", on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=40, default="output", help_text="Opaque: where the item came from.")
    group = models.CharField(max_length=200, blank=True)
    lane = models.PositiveSmallIntegerField(choices=Lane)
    rank = models.FloatField(help_text="Lower is earlier.")
    answer_first = models.BooleanField(default=False)
    reviews_wanted = models.PositiveSmallIntegerField(default=1)
    undo_seconds = models.PositiveIntegerField(default=30)
    due_at = models.DateTimeField(null=True)
    asked = models.JSONField(
        null=True, help_text="JSON Pointers of the fields that the reviewer has to give; null for the whole answer."
    )
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    round = models.PositiveSmallIntegerField(default=1)
    settle_at = models.DateTimeField(null=True, help_text="When its latest verdict becomes final.")
    created_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    objects = ItemQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(reviews_wanted__gte=1), name="item_wants_a_review"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "settled", "withdrawn", "expired"]), name="item_state_is_known"
            ),
        ]
        indexes = [
            # labels.settle_due_items(): the items whose latest verdict became final.
            models.Index(
                fields=["settle_at"],
                name="item_to_settle",
                condition=Q(state="open", settle_at__isnull=False),
            ),
            # items.measure_loads(): what waits in a queue and since when.
            models.Index(fields=["queue", "created_at"], name="item_waiting", condition=Q(state="open")),
        ]

    def __str__(self) -> str:
        return self.reference


class ItemContent(models.Model):
    """The immutable snapshot that reviewers see, in its own table so that lists never load it.

    `why` is `{"message": str, "params": {...}}`; `alternatives` is `[{"answer", "confidence"}]`, including the
    proposal's own confidence; `field_hints` maps JSON Pointers to confidences.
    """

    item = models.OneToOneField(Item, on_delete=models.CASCADE, primary_key=True, related_name="content")
    input = OrderedJSONField()
    context = OrderedJSONField(null=True)
    proposal = SentJSONField()
    alternatives = models.JSONField(default=list)
    field_hints = models.JSONField(default=dict)
    why = models.JSONField(default=dict)
    model = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=35, blank=True)

    def __str__(self) -> str:
        return f"content of {self.item_id}"


class SlotQuerySet(models.QuerySet["Slot"]):
    def open(self) -> Self:
        return self.filter(state=Slot.State.OPEN)

    def reserved(self) -> Self:
        return self.open().filter(reserved_until__gt=Now())


class Slot(models.Model):
    """One review an item needs: the queue entry and the lease in one row.

    A claim increments `claim` and sets `holder` and `reserved_until`. Every action on the slot names its claim number,
    so a reservation that expired and went to somebody else can no longer do anything.
    """

    class State(models.TextChoices):
        OPEN = "open"
        JUDGED = "judged"
        CLOSED = "closed"

    class Kind(models.TextChoices):
        FIRST = "first"
        SECOND = "second"
        FINAL = "final"

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="slots")
    # No separate index: slot_to_claim starts with the queue. While statistics don't cover a new queue yet, a second
    # index tempts the planner into reading and sorting the whole queue for one claim.
    queue = models.ForeignKey("Queue", on_delete=models.PROTECT, related_name="+", db_index=False)
    round = models.PositiveSmallIntegerField(default=1)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.FIRST)
    lane = models.PositiveSmallIntegerField(choices=Lane)
    rank = models.FloatField()
    answer_first = models.BooleanField(default=False)
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    # Nor here: slot_held has only the few slots a person holds; a plain index has all they ever judged.
    holder = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="slots", db_index=False
    )
    claim = models.PositiveIntegerField(default=0)
    key = models.ForeignKey(
        "ApiKey",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="The API key that reserved it; null once the holder has it open at the desk.",
    )
    reserved_at = models.DateTimeField(null=True)
    reserved_until = models.DateTimeField(null=True)

    objects = SlotQuerySet.as_manager()

    class Meta:
        constraints = [
            # At most one slot per person, item and round: two tabs cannot take two slots of one item.
            models.UniqueConstraint(
                fields=["item", "round", "holder"],
                name="one_slot_per_person",
                condition=Q(state__in=["open", "judged"], holder__isnull=False),
            ),
            models.CheckConstraint(
                condition=Q(holder__isnull=False) | Q(reserved_until__isnull=True),
                name="reservation_has_a_holder",
            ),
            models.CheckConstraint(
                condition=~Q(state="judged") | Q(holder__isnull=False), name="judged_slot_has_a_holder"
            ),
        ]
        indexes = [
            # claim.claim_next(): the first free slot of a lane, in order.
            models.Index(fields=["queue", "lane", "rank", "id"], name="slot_to_claim", condition=Q(state="open")),
            # claim.list_held_claims(): what a person has reserved; at most ten rows.
            models.Index(
                fields=["holder", "reserved_until"],
                name="slot_held",
                condition=Q(state="open", holder__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.id}.{self.claim}"


class Pass(models.Model):
    """A person passed an item to other reviewers; they are not offered it again in this round.

    A lead who passed a review can still be asked for the final say, when nobody else is left.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="passes")
    round = models.PositiveSmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=40, blank=True)
    final_say = models.BooleanField(
        default=False, db_default=False, help_text="They passed on the final say, too, or must not have it."
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "round", "user"], name="one_pass_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} passed {self.item_id}"


class Seen(models.Model):
    """A person had the item with its proposal on screen without giving a verdict; `at` is the first time.

    Written when such a reservation ends, because the slot forgets its holder then. A first answer after that was not
    blind.
    """

    item = models.ForeignKey(Item, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "user"], name="seen_once_per_person")]

    def __str__(self) -> str:
        return f"{self.user_id} saw {self.item_id}"


class ClaimCursor(models.Model):
    """The position in a lane up to which this person can take nothing, so that claims can skip those slots.

    Without it, a person who has judged the first 20,000 items of a queue with two reviews each would scan all of them
    at every claim. Valid until `recheck_at`: by then a reservation it skipped may have expired.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    queue = models.ForeignKey("Queue", on_delete=models.CASCADE, related_name="+")
    lane = models.PositiveSmallIntegerField(choices=Lane)
    rank = models.FloatField()
    slot_id = models.BigIntegerField()
    recheck_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "queue", "lane"], name="one_cursor_per_lane")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.queue_id}: after {self.rank}"
