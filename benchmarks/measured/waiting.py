"""Long queues created with SQL: items with content and slots, and a bare table of the same length."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from benchmarks.measured import limits
from reviewqueue.models import AnswerSchema, Membership, Queue, User
from reviewqueue.queue import items
from reviewqueue.queue.settings import QueueDefinition


@dataclass(frozen=True, slots=True)
class Line:
    """One queue and its bare table."""

    slug: str
    queue_id: int
    schema_id: int
    bare: str


_ITEMS = """
    INSERT INTO reviewqueue_item (id, queue_id, reference, schema_id, source, "group", lane, rank, answer_first,
        reviews_wanted, undo_seconds, state, round, created_at)
    SELECT %(queue)s * 10000000 + n, %(queue)s, 'ticket-' || n, %(schema)s, 'output', '', 0, {rank}, false,
        %(reviews)s, 30, 'open', 1, now()
    FROM generate_series(%(first)s, %(last)s) n
"""
_CONTENTS = """
    INSERT INTO reviewqueue_itemcontent
        (item_id, input, context, proposal, alternatives, field_hints, why, model, language)
    SELECT %(queue)s * 10000000 + n,
        jsonb_build_object('text', 'I was charged twice for order ' || n || ', please look into it. Thank you!'),
        NULL, '"refund"', '[{"answer": "refund", "confidence": 0.62}]', '{}',
        '{"message": "The AI was %%(confidence)s sure.", "params": {"confidence": 0.62}}', 'intent-clf', 'en'
    FROM generate_series(%(first)s, %(last)s) n
"""
_SLOTS = """
    INSERT INTO reviewqueue_slot (item_id, queue_id, round, kind, lane, rank, answer_first, state, claim)
    SELECT i.id, i.queue_id, 1, CASE n WHEN 1 THEN 'first' ELSE 'second' END, 0, i.rank, n > 1, 'open', 0
    FROM reviewqueue_item i CROSS JOIN generate_series(1, %(reviews)s) n
    WHERE i.id > %(queue)s * 10000000 + %(first)s - 1 AND i.id <= %(queue)s * 10000000 + %(last)s
"""
_BARE = """
    INSERT INTO {bare} (id, rank, state) SELECT n, {rank}, 'open' FROM generate_series(%(first)s, %(last)s) n
"""
# In the order of their ids where it matters who is at the head, else scattered over the table, as in real life.
_IN_ORDER, _SCATTERED = "n::float8", "random()"

_JUDGED = """
    UPDATE reviewqueue_slot SET state = 'judged', holder_id = %(user)s, claim = 1
    WHERE queue_id = %(queue)s AND kind = 'first' AND rank <= %(count)s
"""


def open_line(slug: str) -> Line:
    configured = items.configure_queue(
        QueueDefinition(slug=slug, title=slug, answers=["billing", "refund", "card_arrival"]), actor="system:bench"
    )
    row = Queue.objects.get(slug=slug)
    schema = AnswerSchema.objects.get(queue=row, number=configured.schema_number)
    bare = f"bare_{slug}"
    with limits.connected() as plain:
        plain.execute(f"CREATE TABLE {bare} (id bigint PRIMARY KEY, rank float8, state text, holder bigint)")
        plain.execute(f"CREATE INDEX ON {bare} (rank, id) WHERE state = 'open'")
    return Line(slug, row.pk, schema.pk, bare)


def fill(line: Line, *, first: int, last: int, reviews: int = 1) -> None:
    """Add the items numbered `first` to `last`, and as many bare rows; the statistics are then up to date."""
    rank = _SCATTERED if reviews == 1 else _IN_ORDER
    parameters = {"queue": line.queue_id, "schema": line.schema_id, "first": first, "last": last, "reviews": reviews}
    with connection.cursor() as cursor:
        for statement in (_ITEMS.format(rank=rank), _CONTENTS, _SLOTS, _BARE.format(bare=line.bare, rank=rank)):
            cursor.execute("SET statement_timeout = 0")
            cursor.execute(statement, parameters)
        for table in ("reviewqueue_item", "reviewqueue_itemcontent", "reviewqueue_slot", line.bare):
            cursor.execute(f"VACUUM ANALYZE {table}")


def judge_head(line: Line, user: User, count: int) -> None:
    """Record the person's first verdict on the first items of the queue."""
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED, {"user": user.pk, "queue": line.queue_id, "count": count})
        cursor.execute("VACUUM ANALYZE reviewqueue_slot")


def reviewers(line: Line, count: int) -> list[User]:
    people = User.objects.bulk_create(
        [User(username=f"{line.slug}-{number}", role="reviewer") for number in range(count)]
    )
    Membership.objects.bulk_create([Membership(user=person, queue_id=line.queue_id) for person in people])
    return people
