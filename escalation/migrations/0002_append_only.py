"""Routes, policies and activations are evidence: they are inserted once and never changed."""

from django.db import migrations

TABLES = ("escalation_policy", "escalation_activation", "escalation_route")

FORBID = """
CREATE FUNCTION escalation_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION escalation_append_only();\n"
    for table in TABLES
)
ALLOW = "".join(f"DROP TRIGGER append_only ON {table};\n" for table in TABLES) + (
    "DROP FUNCTION escalation_append_only();"
)

# Two halves of an id: milliseconds above, this sequence below. It cycles, since a millisecond never sees a million.
SEQUENCE = "CREATE SEQUENCE escalation_output_seq MINVALUE 0 MAXVALUE 1048575 CYCLE CACHE 1000"


class Migration(migrations.Migration):
    dependencies = [("escalation", "0001_initial")]
    operations = [
        migrations.RunSQL(FORBID, ALLOW),
        migrations.RunSQL(SEQUENCE, "DROP SEQUENCE escalation_output_seq"),
    ]
