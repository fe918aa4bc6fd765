"""The activity log cannot be rewritten, whatever a bug or a hurried hand tries."""

from django.db import migrations

FORBID = """
CREATE FUNCTION reviewqueue_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON reviewqueue_event
    FOR EACH ROW EXECUTE FUNCTION reviewqueue_append_only();
"""
ALLOW = """
DROP TRIGGER append_only ON reviewqueue_event;
DROP FUNCTION reviewqueue_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("reviewqueue", "0001_initial")]
    operations = [migrations.RunSQL(FORBID, ALLOW)]
