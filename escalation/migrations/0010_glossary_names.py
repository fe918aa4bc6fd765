"""Tables and columns take the names of the glossary: error target, evaluation, audits, approval request."""

from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [("escalation", "0009_timed_reviews_of_a_day")]
    operations = [
        migrations.RemoveConstraint(model_name="target", name="target_is_a_share"),
        migrations.RemoveConstraint(model_name="attempt", name="one_attempt_per_number"),
        migrations.RemoveConstraint(model_name="attempt", name="attempt_window_is_ordered"),
        migrations.RemoveConstraint(model_name="evidence", name="one_evidence_per_attempt"),
        migrations.RemoveConstraint(model_name="watch", name="one_watch_per_group"),
        migrations.RenameModel(old_name="Target", new_name="ErrorTarget"),
        migrations.RenameModel(old_name="Attempt", new_name="Evaluation"),
        migrations.RenameModel(old_name="Watch", new_name="GuaranteeWatch"),
        migrations.RenameModel(old_name="Ending", new_name="GuaranteeEnding"),
        migrations.RenameModel(old_name="Count", new_name="OutputCount"),
        migrations.RenameModel(old_name="PolicyRequest", new_name="ApprovalRequest"),
        migrations.RenameField(model_name="errortarget", old_name="doubt", new_name="delta"),
        migrations.RenameField(model_name="evaluation", old_name="rate", new_name="audit_rate"),
        migrations.RenameField(model_name="evaluation", old_name="caught", new_name="reviewer_recall"),
        migrations.RenameField(model_name="evidence", old_name="attempt", new_name="evaluation"),
        migrations.RenameField(model_name="guaranteewatch", old_name="attempt", new_name="evaluation"),
        migrations.RenameField(model_name="guaranteewatch", old_name="checked", new_name="audits"),
        migrations.RenameField(model_name="guaranteeending", old_name="attempt", new_name="evaluation"),
        migrations.AlterField(
            model_name="evaluation",
            name="stream",
            field=models.ForeignKey(
                on_delete=models.PROTECT, related_name="evaluations", to="escalation.stream"
            ),
        ),
        migrations.AlterField(
            model_name="evaluation",
            name="target",
            field=models.ForeignKey(
                on_delete=models.PROTECT, related_name="evaluations", to="escalation.errortarget"
            ),
        ),
        migrations.AddConstraint(
            model_name="errortarget",
            constraint=models.CheckConstraint(
                condition=Q(max_error__gt=0, max_error__lt=1, delta__gt=0, delta__lt=1), name="target_is_a_share"
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.UniqueConstraint(
                fields=("stream", "model", "model_version", "schema_number", "number"), name="one_evaluation_per_number"
            ),
        ),
        migrations.AddConstraint(
            model_name="evaluation",
            constraint=models.CheckConstraint(condition=Q(last_id__gte=F("first_id")), name="evaluation_window_is_ordered"),
        ),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(fields=("policy", "evaluation"), name="one_evidence_per_evaluation"),
        ),
        migrations.AddConstraint(
            model_name="guaranteewatch",
            constraint=models.UniqueConstraint(fields=("evaluation", "group"), name="one_watch_per_group"),
        ),
    ]
