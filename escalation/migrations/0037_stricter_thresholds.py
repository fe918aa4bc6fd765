from django.db import migrations

# Outputs of at least 0.9999 shared one bin, which is now many. Only their days are counted anew, by the next sweep.
RECOUNT_DAYS = """
    UPDATE escalation_countedday d SET reviews = NULL
    WHERE EXISTS (
        SELECT 1 FROM escalation_outputcount c WHERE c.stream_id = d.stream_id AND c.day = d.day AND c.bin = 66
    )
"""


class Migration(migrations.Migration):
    dependencies = [("escalation", "0036_evidence_lines")]

    operations = [migrations.RunSQL(RECOUNT_DAYS, migrations.RunSQL.noop)]
