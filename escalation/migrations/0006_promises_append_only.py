"""What was promised, tried and shown is inserted once and never changed."""

from django.db import migrations

TABLES = ("escalation_target", "escalation_attempt", "escalation_evidence")

FORBID = "".join(
    f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
    "FOR EACH ROW EXECUTE FUNCTION escalation_append_only();\n"
    for table in TABLES
)
ALLOW = "".join(f"DROP TRIGGER append_only ON {table};\n" for table in TABLES)


class Migration(migrations.Migration):
    dependencies = [("escalation", "0005_promises")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
