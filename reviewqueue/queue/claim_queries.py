"""Statements about claims: leases, reservations and cursors of reviewers."""

from __future__ import annotations

# Who holds or judged a claim, and which claim its slot has now.
SELECT_HOLDER = """
SELECT s.claim, q.slug AS queue, u.username FROM reviewqueue_slot s
JOIN reviewqueue_queue q ON q.id = s.queue_id
LEFT JOIN reviewqueue_verdict v ON v.slot_id = s.id AND v.claim = %(number)s
LEFT JOIN reviewqueue_user u ON u.id = COALESCE(v.user_id, CASE WHEN s.claim = %(number)s THEN s.holder_id END)
WHERE s.id = %(slot)s
"""

# Lock the item of a slot before the slot itself: the order of locks everywhere.
LOCK_ITEM = """
SELECT id FROM reviewqueue_item
WHERE id = (SELECT item_id FROM reviewqueue_slot WHERE id = %(slot)s) FOR NO KEY UPDATE
"""

# Whether the person may review in queue `q` now: the same rule as in `accounts.roles`, in the statement itself.
IS_MEMBER = """
EXISTS (SELECT FROM reviewqueue_user u WHERE u.id = %(user)s AND u.is_active AND u.role = ANY(%(roles)s)
    AND (u.all_queues OR u.role = 'admin' OR EXISTS (
        SELECT FROM reviewqueue_membership m WHERE m.user_id = u.id AND m.queue_id = q.id)))
"""

# Whether the person may have the final say now, whatever their role was when they reserved it.
IS_LEAD = "EXISTS (SELECT FROM reviewqueue_user u WHERE u.id = %(user)s AND u.is_active AND u.role = ANY(%(leads)s))"

# Whether the person holds slot `s` or ever held it. The slot remembers only its last holder; earlier ones are known by
# the draft, "seen" row or first answer they left.
EVER_HELD = """
(s.holder_id IS NOT DISTINCT FROM %(user)s
    OR EXISTS (SELECT FROM reviewqueue_draft d WHERE d.item_id = s.item_id AND d.user_id = %(user)s)
    OR EXISTS (SELECT FROM reviewqueue_seen n WHERE n.item_id = s.item_id AND n.user_id = %(user)s)
    OR EXISTS (SELECT FROM reviewqueue_firstanswer f WHERE f.slot_id = s.id AND f.user_id = %(user)s))
"""

# The guidelines in force when slot `s` was reserved, which its holder follows.
GUIDELINE_NUMBER = """
COALESCE((SELECT max(g.number) FROM reviewqueue_guideline g
          WHERE g.queue_id = q.id AND g.created_at <= s.reserved_at),
         (SELECT min(g.number) FROM reviewqueue_guideline g WHERE g.queue_id = q.id))
"""

# A slot with its item and queue, and what the person may do there.
SELECT_LEASE = f"""
SELECT s.id AS slot_id, s.claim, s.holder_id, s.key_id, s.state AS slot_state, s.kind, s.answer_first, s.lane, s.rank,
    s.reserved_at, s.reserved_until, s.item_id, s.round, i.state AS item_state, i.undo_seconds, s.queue_id, q.slug,
    q.reserve_minutes, {GUIDELINE_NUMBER} AS guideline_number, {IS_MEMBER} AS member,
    {IS_LEAD} AS leads, COALESCE(%(now)s::timestamptz, statement_timestamp()) AS now
FROM reviewqueue_slot s
JOIN reviewqueue_item i ON i.id = s.item_id
JOIN reviewqueue_queue q ON q.id = s.queue_id
WHERE s.id = %(slot)s
"""

# The same with the slot locked.
LOCK_LEASE = f"{SELECT_LEASE} FOR UPDATE OF s"

# Carry the person's earlier first answer of this round over to a new claim.
COPY_FIRST_ANSWER = """
INSERT INTO reviewqueue_firstanswer (slot_id, claim, user_id, key_id, kind, answer, at)
SELECT s.id, %(claim)s, f.user_id, f.key_id, f.kind, f.answer, f.at
FROM reviewqueue_slot s
JOIN reviewqueue_slot earlier ON earlier.item_id = s.item_id AND earlier.round = s.round
JOIN reviewqueue_firstanswer f ON f.slot_id = earlier.id AND f.user_id = %(user)s
WHERE s.id = %(slot)s ORDER BY f.at, f.id LIMIT 1 ON CONFLICT DO NOTHING
"""

# Every holder of a slot that is not answer-first has seen the proposal.
INSERT_SEEN = """
INSERT INTO reviewqueue_seen (item_id, user_id, at)
SELECT item_id, holder_id, reserved_at FROM {slots} WHERE holder_id IS NOT NULL AND NOT answer_first
ON CONFLICT DO NOTHING
"""

# Seen through an ended or current reservation, through a verdict, or after a first answer in an earlier round. A first
# answer of this round is carried over, so it was given before the proposal was seen.
SELECT_SAW_PROPOSAL = """
SELECT EXISTS (SELECT FROM reviewqueue_seen n
        WHERE n.item_id = %(item)s AND n.user_id = %(user)s AND n.at <= %(at)s)
    OR EXISTS (SELECT FROM reviewqueue_slot s
        WHERE s.item_id = %(item)s AND s.holder_id = %(user)s AND NOT s.answer_first AND s.reserved_at <= %(at)s)
    OR EXISTS (SELECT FROM reviewqueue_verdict v
        WHERE v.item_id = %(item)s AND v.user_id = %(user)s AND v.submitted_at <= %(at)s
          AND (v.round < %(round)s OR v.proposal_visible))
    OR EXISTS (SELECT FROM reviewqueue_firstanswer f JOIN reviewqueue_slot s ON s.id = f.slot_id
        WHERE s.item_id = %(item)s AND s.round < %(round)s AND f.user_id = %(user)s) AS seen
"""

# One person's claims run one at a time, so that a second tab sees the first one's claim and the limit of ten holds.
SELECT_CLAIM_CONTEXT = f"""
SELECT q.id AS queue_id, q.checks_share, q.reserve_minutes, {IS_MEMBER} AS member,
    {IS_LEAD} AS leads,
    ARRAY(SELECT k.lane FROM reviewqueue_claimcursor k WHERE k.user_id = %(user)s AND k.queue_id = q.id) AS cursors,
    COALESCE(%(now)s::timestamptz, clock_timestamp()) AS now
FROM reviewqueue_queue q, pg_advisory_xact_lock(%(space)s, (%(user)s %% 2147483648)::int)
WHERE q.slug = %(slug)s
"""

# Whether open slot `s` is free and this person may take it: nobody judges an item twice in a round, gets an item they
# passed, or has the final say on an item they judged.
# OFFSET 0 keeps each subquery an index probe per slot; flattened into joins, the planner might first read everything
# the person ever judged.
IS_FREE_SLOT = """
(s.reserved_until IS NULL OR s.reserved_until <= %(now)s)
      AND NOT EXISTS (SELECT FROM reviewqueue_slot mine
          WHERE mine.item_id = s.item_id AND mine.round = s.round AND mine.holder_id = %(user)s
            AND mine.state IN ('open', 'judged') AND mine.id <> s.id OFFSET 0)
      AND NOT EXISTS (SELECT FROM reviewqueue_pass p
          WHERE p.item_id = s.item_id AND p.round = s.round AND p.user_id = %(user)s
            AND (s.kind <> 'final' OR p.final_say) OFFSET 0)
      AND (s.kind <> 'final' OR NOT EXISTS (SELECT FROM reviewqueue_verdict v
          WHERE v.item_id = s.item_id AND v.user_id = %(user)s AND (v.undone_at IS NULL OR NOT v.final_say) OFFSET 0))
"""

# By queue, how many final says the person can give now: the lead's slots that are free for them or that they hold.
COUNT_FINAL_SAYS = f"""
SELECT q.slug, count(*) AS number
FROM reviewqueue_slot s JOIN reviewqueue_queue q ON q.id = s.queue_id
WHERE s.queue_id = ANY(%(queues)s) AND s.state = 'open' AND s.lane = %(lane)s
  AND (s.holder_id = %(user)s AND s.reserved_until > %(now)s OR {IS_FREE_SLOT})
GROUP BY q.slug
"""

# Who is left after a pass: somebody who could review the item, somebody who could have the final say, and whether a
# lead was asked already. The members of a queue are few.
SELECT_TAKERS_LEFT = """
WITH members AS MATERIALIZED (
    SELECT u.id, u.role FROM reviewqueue_user u
    WHERE u.is_active AND (u.all_queues OR u.role = 'admin' OR EXISTS (
        SELECT FROM reviewqueue_membership m WHERE m.user_id = u.id AND m.queue_id = %(queue)s))
)
SELECT
    EXISTS (SELECT FROM members m WHERE m.role = ANY(%(takers)s)
        AND NOT EXISTS (SELECT FROM reviewqueue_pass p
            WHERE p.item_id = %(item)s AND p.round = %(round)s AND p.user_id = m.id)
        AND NOT EXISTS (SELECT FROM reviewqueue_slot s
            WHERE s.item_id = %(item)s AND s.round = %(round)s AND s.holder_id = m.id
              AND s.state IN ('open', 'judged'))) AS takers,
    EXISTS (SELECT FROM members m WHERE m.role = ANY(%(leads)s)
        AND NOT EXISTS (SELECT FROM reviewqueue_pass p
            WHERE p.item_id = %(item)s AND p.round = %(round)s AND p.user_id = m.id AND p.final_say)
        AND NOT EXISTS (SELECT FROM reviewqueue_verdict v
            WHERE v.item_id = %(item)s AND v.user_id = m.id AND (v.undone_at IS NULL OR NOT v.final_say))) AS leads,
    EXISTS (SELECT FROM reviewqueue_slot s
        WHERE s.item_id = %(item)s AND s.round = %(round)s AND s.kind = 'final' AND s.state <> 'closed') AS asked
"""

# What the person could take in each queue now, or holds; by the partial index of open slots. Several slots of one item
# count once. What a valid cursor is past is not looked at again: of that, the person can take nothing.
SELECT_PERSONAL_LOADS = f"""
SELECT q.id AS queue, count(DISTINCT t.item_id) AS waiting, min(i.created_at) AS oldest_at,
    count(DISTINCT t.item_id) FILTER (WHERE t.lane = %(lead_lane)s) AS for_lead, min(t.rank) AS rank,
    count(t.item_id) AS slots
FROM unnest(%(queues)s::bigint[]) AS q(id)
LEFT JOIN LATERAL (
    SELECT s.item_id, s.lane, s.rank FROM reviewqueue_slot s
    LEFT JOIN reviewqueue_claimcursor k
      ON k.user_id = %(user)s AND k.queue_id = q.id AND k.lane = s.lane AND k.recheck_at > %(now)s
    WHERE s.queue_id = q.id AND s.state = 'open' AND (s.lane <> %(lead_lane)s OR %(leads)s)
      AND (s.holder_id = %(user)s AND s.reserved_until > %(now)s
           OR (k.id IS NULL OR (s.rank, s.id) > (k.rank, k.slot_id)) AND {IS_FREE_SLOT})
    LIMIT %(most)s
) t ON true
LEFT JOIN reviewqueue_item i ON i.id = t.item_id
GROUP BY q.id
"""

# How many items the person holds now; by the index of slots by holder.
HELD_ITEM_COUNT = """
(SELECT count(*) FROM reviewqueue_slot h
          WHERE h.holder_id = %(user)s AND h.state = 'open' AND h.reserved_until > %(now)s)
"""

# Reserve the first slot of a lane that is free for this person, from their cursor on; by the partial index of open
# slots in order of rank.
CLAIM_SLOT = f"""
WITH start AS MATERIALIZED (
    SELECT rank, slot_id FROM reviewqueue_claimcursor
    WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s AND recheck_at > %(now)s AND NOT %(from_head)s
), picked AS MATERIALIZED (
    SELECT s.id, s.item_id, s.holder_id, s.reserved_at, s.answer_first FROM reviewqueue_slot s
    WHERE s.queue_id = %(queue)s AND s.lane = %(lane)s AND s.state = 'open'
      AND (s.rank, s.id) > (COALESCE((SELECT rank FROM start), '-infinity'), COALESCE((SELECT slot_id FROM start), 0))
      AND {IS_FREE_SLOT} AND {HELD_ITEM_COUNT} < %(most)s
    ORDER BY s.rank, s.id LIMIT 1 FOR UPDATE OF s SKIP LOCKED
), lapsed AS ({INSERT_SEEN.format(slots="picked")})
UPDATE reviewqueue_slot t SET holder_id = %(user)s, key_id = %(key)s, claim = t.claim + 1, reserved_at = %(now)s,
    reserved_until = %(now)s + make_interval(mins => %(minutes)s)
FROM picked WHERE t.id = picked.id
RETURNING t.id, t.claim, t.rank, t.lane, t.answer_first, (
    SELECT count(*) FROM (SELECT FROM reviewqueue_slot b
        WHERE b.queue_id = t.queue_id AND b.lane = t.lane AND b.state = 'open' AND (b.rank, b.id) < (t.rank, t.id)
          AND (b.rank, b.id) > (COALESCE((SELECT rank FROM start), '-infinity'),
                                COALESCE((SELECT slot_id FROM start), 0))
        LIMIT %(passed_by)s) passed) AS passed
"""

# This person can take nothing before the claimed slot until one of the skipped reservations may have expired,
# including those skipped by an earlier cursor that is still valid.
SAVE_CURSOR = """
WITH start AS MATERIALIZED (
    SELECT rank, slot_id, recheck_at FROM reviewqueue_claimcursor
    WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s AND recheck_at > %(now)s AND NOT %(from_head)s
), ends AS MATERIALIZED (
    SELECT LEAST(%(now)s + make_interval(secs => %(recheck)s), (SELECT recheck_at FROM start),
        (SELECT min(b.reserved_until) FROM reviewqueue_slot b
         WHERE b.queue_id = %(queue)s AND b.lane = %(lane)s AND b.state = 'open' AND b.reserved_until > %(now)s
           AND (b.rank, b.id) < (%(rank)s, %(slot)s)
           AND (b.rank, b.id) > (COALESCE((SELECT rank FROM start), '-infinity'),
                                 COALESCE((SELECT slot_id FROM start), 0)))) AS recheck_at
), moved AS (
    UPDATE reviewqueue_claimcursor k SET rank = %(rank)s, slot_id = %(slot)s, recheck_at = ends.recheck_at
    FROM ends WHERE k.id = (
        SELECT id FROM reviewqueue_claimcursor
        WHERE user_id = %(user)s AND queue_id = %(queue)s AND lane = %(lane)s FOR UPDATE SKIP LOCKED)
    RETURNING k.id
)
INSERT INTO reviewqueue_claimcursor (user_id, queue_id, lane, rank, slot_id, recheck_at)
SELECT %(user)s, %(queue)s, %(lane)s, %(rank)s, %(slot)s, ends.recheck_at FROM ends
WHERE NOT EXISTS (SELECT FROM moved) ON CONFLICT DO NOTHING
"""

# A former lead may not see a final say they still hold: it waits for its reservation to end.
SELECT_HELD_SLOTS = f"""
SELECT s.id FROM reviewqueue_slot s JOIN reviewqueue_queue q ON q.id = s.queue_id
WHERE s.holder_id = %(user)s AND s.state = 'open'
  AND s.reserved_until > COALESCE(%(now)s::timestamptz, statement_timestamp())
  AND (%(slug)s::text IS NULL OR q.slug = %(slug)s::text) AND (s.kind <> 'final' OR {IS_LEAD})
ORDER BY s.reserved_at, s.id
"""

# What a key reserved and its person now opens at the desk is hers.
TAKE_FROM_KEY = "UPDATE reviewqueue_slot SET key_id = NULL WHERE id = %(slot)s AND key_id IS NOT NULL"

# Keep a slot for longer, never for less long.
EXTEND_RESERVATION = """
UPDATE reviewqueue_slot SET reserved_until = GREATEST(reserved_until, %(until)s) WHERE id = %(slot)s
"""

# Give a slot back, and note who saw its proposal.
RELEASE_SLOT = f"""
WITH given AS MATERIALIZED (SELECT * FROM reviewqueue_slot WHERE id = %(slot)s),
    seen AS ({INSERT_SEEN.format(slots="given")})
UPDATE reviewqueue_slot SET holder_id = NULL, key_id = NULL, reserved_at = NULL, reserved_until = NULL
WHERE id = %(slot)s
"""

# An expired reservation still names its holder, so that they can reclaim it. It must not keep a lead, who let the item
# go without a verdict, from the final say on it.
RELEASE_LAPSED_SLOTS = f"""
WITH gone AS MATERIALIZED (
    SELECT * FROM reviewqueue_slot
    WHERE holder_id = %(user)s AND state = 'open' AND reserved_until <= %(now)s FOR UPDATE SKIP LOCKED
), seen AS ({INSERT_SEEN.format(slots="gone")})
UPDATE reviewqueue_slot SET holder_id = NULL, key_id = NULL, reserved_at = NULL, reserved_until = NULL
WHERE id IN (SELECT id FROM gone)
"""

# Free what the person holds and may no longer decide. A slot that is locked is being decided right now by somebody who
# still could; waiting for it, with the person's row locked, would be a deadlock.
RELEASE_LOST_SLOTS = f"""
WITH lost AS MATERIALIZED (
    SELECT s.* FROM reviewqueue_slot s JOIN reviewqueue_queue q ON q.id = s.queue_id
    WHERE s.holder_id = %(user)s AND s.state = 'open' AND NOT ({IS_MEMBER} AND (s.kind <> 'final' OR {IS_LEAD}))
    FOR UPDATE OF s SKIP LOCKED
), seen AS ({INSERT_SEEN.format(slots="lost")})
UPDATE reviewqueue_slot SET holder_id = NULL, key_id = NULL, reserved_at = NULL, reserved_until = NULL
WHERE id IN (SELECT id FROM lost) RETURNING queue_id, lane, rank
"""

# All that the desk shows of a reserved slot; what its person may not see yet is null.
SELECT_CLAIM = f"""
SELECT s.id AS slot, s.claim, s.kind = %(final)s AS final_say, s.answer_first, r.revealed, s.reserved_until,
    f.kind AS first_kind, f.answer AS first_answer,
    i.id, i.reference, q.slug AS queue, q.title, q.question, a.kind, a.answers,
    a.schema::text AS schema, a.number AS schema_number,
    {GUIDELINE_NUMBER} AS guideline_number,
    c.input::text AS input, c.context::text AS context, c.language, i.due_at,
    q.error_types, q.display,
    i.asked::text AS asked, CASE WHEN i.asked IS NOT NULL THEN c.proposal END AS kept,
    CASE WHEN r.revealed THEN c.proposal END AS proposal,
    CASE WHEN r.told THEN c.alternatives END AS alternatives,
    CASE WHEN r.told THEN c.field_hints WHEN r.revealed THEN '{{}}' END AS field_hints,
    CASE WHEN r.told THEN c.why WHEN r.revealed THEN '{{}}' END AS why,
    CASE WHEN r.revealed THEN c.model END AS model,
    u.undone
FROM reviewqueue_slot s
JOIN reviewqueue_item i ON i.id = s.item_id
JOIN reviewqueue_itemcontent c ON c.item_id = i.id
JOIN reviewqueue_queue q ON q.id = i.queue_id
JOIN reviewqueue_answerschema a ON a.id = i.schema_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = s.id AND f.claim = s.claim
CROSS JOIN LATERAL (SELECT NOT s.answer_first OR f.id IS NOT NULL, NOT s.answer_first AND NOT i.answer_first)
    AS r(revealed, told)
LEFT JOIN LATERAL (
    SELECT json_build_object('kind', v.kind, 'answer', v.answer::json, 'reason', v.reason, 'note', v.note,
        'error_type', v.error_type)::text AS undone
    FROM reviewqueue_verdict v
    WHERE r.revealed AND v.item_id = s.item_id AND v.round = s.round AND v.user_id = s.holder_id
      AND v.undone_at IS NOT NULL
    ORDER BY v.undone_at DESC, v.id DESC LIMIT 1
) AS u ON true
WHERE s.id = %(slot)s
"""

# What others said about the item of a final say.
SELECT_OTHER_VERDICTS = """
SELECT u.username AS person, v.kind, v.answer, COALESCE(f.kind, v.kind) AS first_kind, v.first_answer, v.first_at,
    NOT v.proposal_visible AS blind, v.reason, v.note, v.error_type, v.submitted_at
FROM reviewqueue_slot s
JOIN reviewqueue_verdict v ON v.item_id = s.item_id AND v.round = s.round AND v.undone_at IS NULL
JOIN reviewqueue_user u ON u.id = v.user_id
LEFT JOIN reviewqueue_firstanswer f ON f.slot_id = v.slot_id AND f.claim = v.claim
WHERE s.id = %(slot)s ORDER BY v.id
"""

# What became of a slot that somebody lost, and whether they can have it back.
SELECT_LOST_SLOT = f"""
SELECT s.id, s.state, s.holder_id, s.reserved_until > %(now)s AS live, q.slug,
    COALESCE(NULLIF(TRIM(h.first_name || ' ' || h.last_name), ''), h.username) AS holder,
    {EVER_HELD} AS held,
    s.state = 'open' AND {EVER_HELD} AND {IS_FREE_SLOT} AND (s.kind <> 'final' OR {IS_LEAD}) AS free
FROM reviewqueue_slot s
JOIN reviewqueue_queue q ON q.id = s.queue_id
LEFT JOIN reviewqueue_user h ON h.id = s.holder_id
WHERE s.id = %(slot)s AND s.claim >= %(number)s
"""

# The condition is on the locked row: waiting for the lock while somebody else takes the slot yields nothing.
RECLAIM_SLOT = f"""
WITH picked AS MATERIALIZED (
    SELECT s.id, s.item_id, s.holder_id, s.reserved_at, s.answer_first FROM reviewqueue_slot s
    WHERE s.id = %(slot)s AND s.state = 'open' AND {EVER_HELD} AND {IS_FREE_SLOT}
      AND (s.kind <> 'final' OR %(leading)s) AND {HELD_ITEM_COUNT} < %(most)s
    FOR UPDATE OF s
), lapsed AS ({INSERT_SEEN.format(slots="picked")})
UPDATE reviewqueue_slot t SET holder_id = %(user)s, key_id = NULL, claim = t.claim + 1, reserved_at = %(now)s,
    reserved_until = %(now)s + make_interval(mins => %(minutes)s)
FROM picked WHERE t.id = picked.id
RETURNING t.id, t.claim, t.answer_first
"""
