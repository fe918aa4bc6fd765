"""That a statement ended is inserted once and never changed."""

from django.db import migrations

FORBID = (
    "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON escalation_ending "
    "FOR EACH ROW EXECUTE FUNCTION escalation_append_only();"
)
ALLOW = "DROP TRIGGER append_only ON escalation_ending;"


class Migration(migrations.Migration):
    dependencies = [("escalation", "0007_watches_and_endings")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
