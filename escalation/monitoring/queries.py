"""The statements of monitoring."""

from __future__ import annotations

from reviewqueue.facade.facts import EVENTS_SQL

# The age of the oldest output that waits to be routed; by the partial index of received outputs.
OLDEST_RECEIVED_SECONDS = """
    SELECT EXTRACT(epoch FROM clock_timestamp() - received_at) FROM escalation_output
    WHERE state = 'received' ORDER BY id LIMIT 1
"""

# The seconds since each sweep last ended well, and since it was last tried.
SELECT_AGES = """
    SELECT name, EXTRACT(epoch FROM clock_timestamp() - at), EXTRACT(epoch FROM clock_timestamp() - tried_at)
    FROM escalation_heartbeat
"""

# Sweeps that have never run count from now on.
EXPECT_SWEEPS = """
    INSERT INTO escalation_heartbeat (name, at, detail)
    SELECT name, clock_timestamp(), '{}' FROM unnest(%s::text[]) AS name ORDER BY name ON CONFLICT DO NOTHING
"""

# Take a sweep that is due, unless another worker has just taken it. Times that are in the future are from before the
# database's clock was set back.
TAKE_SWEEP = """
    UPDATE escalation_heartbeat SET tried_at = clock_timestamp()
    WHERE name = %(name)s AND NOT at BETWEEN clock_timestamp() - %(every)s * interval '1 second' AND clock_timestamp()
      AND (tried_at IS NULL OR NOT tried_at
           BETWEEN clock_timestamp() - %(retry)s * interval '1 second' AND clock_timestamp())
"""

# Sweeps have ended well. Busy sweeps are not written more often than it matters.
RECORD_SUCCESS = """
    INSERT INTO escalation_heartbeat AS beat (name, at, detail)
    SELECT name, clock_timestamp(), '{}' FROM unnest(%(names)s::text[]) AS name ORDER BY name
    ON CONFLICT (name) DO UPDATE SET at = excluded.at
    WHERE NOT beat.at BETWEEN excluded.at - interval '1 second' * (
        SELECT unless FROM unnest(%(names)s::text[], %(unless)s::float8[]) AS ends (name, unless)
        WHERE ends.name = beat.name
    ) AND excluded.at
"""

# Whatever is received, routed, reviewed, settled or changed writes an event; by the primary key.
LAST_EVENT = f"SELECT id FROM {EVENTS_SQL} AS events ORDER BY id DESC LIMIT 1"

# Whether the database takes writes. Then spill some temporary rows to disk (PROBE_ROWS), which fails when it is full,
# and which a small update of existing rows may not do for a long time.
IS_READ_ONLY = "SELECT current_setting('transaction_read_only')::bool"
LIMIT_PROBE = "SELECT set_config('work_mem', '64kB', true), set_config('statement_timeout', '2s', true)"
SPILL_TO_DISK = "SELECT count(*) FROM generate_series(1, %s)"

# For the checks: follow an index for each of the rows that they start from, instead of reading whole tables to join
# them, and stop after so many milliseconds.
PREPARE_CHECK = """
    SELECT set_config('statement_timeout', %s, true), set_config('work_mem', '64MB', true),
        set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
        set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true)
"""

# The latest time of all events before the recent ones, from what an earlier round knew of it.
EVENTS_BEFORE_WINDOW = (
    "GREATEST('{at}'::timestamptz, "
    f"(SELECT max(at) FROM {EVENTS_SQL} AS earlier WHERE id > {{id}} AND id < (SELECT min(id) FROM recent)))"
)

# The first of the recent events, and the latest time of those before it and after %(id)s.
MEASURE_EVENTS = f"""
    WITH recent AS (SELECT id FROM {EVENTS_SQL} AS events ORDER BY id DESC LIMIT %(rows)s),
    earlier AS (SELECT max(id) AS id, max(at) AS at FROM {EVENTS_SQL} AS events
        WHERE id > %(id)s AND id < (SELECT min(id) FROM recent))
    SELECT earlier.id, earlier.at, clock_timestamp(), (SELECT max(id) FROM recent) FROM earlier
"""

# The ids of a table that a check reads; `table` and `column` are from the text of the check.
SELECT_IDS = "(SELECT {column} AS id FROM {table}) AS ids"

# The first of so many latest ids, but for one.
FIRST_LATEST_ID = "SELECT id FROM {ids} ORDER BY id DESC OFFSET %s LIMIT 1"

# The last of so many ids after one, and before the latest.
LAST_ID_OF_WINDOW = "SELECT max(id) FROM (SELECT id FROM {ids} WHERE id > %s AND id < %s ORDER BY id LIMIT %s) AS part"

# The latest rows, and those of the window.
SELECT_RANGES = """(
    SELECT * FROM {table} WHERE {column} >= {latest}
    UNION ALL SELECT * FROM {table} WHERE {column} > {after} AND {column} <= {until})"""
