"""Targets, every attempt to show that one holds, the evidence of policy versions, counts for pages, and test items."""

import django.db.models.deletion
import django.db.models.functions.datetime
import reviewqueue.kernel.json_field
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('escalation', '0004_policy_requests'),
    ]

    operations = [
        migrations.CreateModel(
            name='Target',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('max_error', models.FloatField()),
                ('doubt', models.FloatField(default=0.05)),
                ('groups', models.CharField(choices=[('together', 'Together'), ('classes', 'Classes'), ('segments', 'Segments')], default='together', max_length=8)),
                ('segment_key', models.CharField(blank=True, help_text='Whose values are the groups.', max_length=100)),
                ('set_by', models.CharField(max_length=160)),
                ('set_at', models.DateTimeField()),
                ('reason', models.CharField(blank=True, max_length=400)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='targets', to='escalation.stream')),
            ],
        ),
        migrations.CreateModel(
            name='Attempt',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model', models.CharField(max_length=200)),
                ('model_version', models.CharField(blank=True, max_length=200)),
                ('schema_number', models.PositiveIntegerField()),
                ('number', models.PositiveIntegerField(help_text='Counted in its line, from 1.')),
                ('spent', models.FloatField(help_text='The probability of a false statement that this look may cost.')),
                ('first_id', models.BigIntegerField()),
                ('last_id', models.BigIntegerField()),
                ('rate', models.FloatField(help_text='The lowest audit rate of the window: the sample is u < rate.')),
                ('max_error', models.FloatField(help_text='The target, lowered by what reviewers are known to miss.')),
                ('caught', models.JSONField(help_text='The test items behind that: shown, caught, and the lower bound.', null=True)),
                ('sampled', models.PositiveIntegerField()),
                ('resolved', models.PositiveIntegerField()),
                ('overdue', models.PositiveIntegerField(help_text='Unanswered too long: counted as errors.')),
                ('groups', reviewqueue.kernel.json_field.OrderedJSONField(default=list)),
                ('refusal', models.CharField(blank=True, max_length=40)),
                ('params', models.JSONField(default=dict)),
                ('grid_hash', models.CharField(blank=True, max_length=64)),
                ('labels_hash', models.CharField(blank=True, max_length=64)),
                ('asked_by', models.CharField(max_length=160)),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='escalation.stream')),
                ('target', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='attempts', to='escalation.target')),
            ],
        ),
        migrations.CreateModel(
            name='TestItem',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('copy_of', models.BigIntegerField(null=True)),
                ('answer', models.JSONField(help_text='What is known to be right.')),
                ('prediction', models.JSONField(help_text="The AI's answer, known to be wrong.")),
                ('schema_number', models.PositiveIntegerField()),
                ('added_by', models.CharField(max_length=160)),
                ('added_at', models.DateTimeField()),
                ('settled_at', models.DateTimeField(null=True)),
                ('caught', models.BooleanField(null=True)),
                ('stream', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='test_items', to='escalation.stream')),
            ],
        ),
        migrations.CreateModel(
            name='Count',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('model', models.CharField(max_length=200)),
                ('model_version', models.CharField(blank=True, max_length=200)),
                ('schema_number', models.PositiveIntegerField()),
                ('shadow', models.BooleanField()),
                ('predicted', models.CharField(blank=True, max_length=200)),
                ('segment', models.JSONField(default=dict)),
                ('ruled', models.BooleanField(help_text='Sent to a person by a rule, whatever the confidence.')),
                ('bin', models.SmallIntegerField()),
                ('p', models.FloatField()),
                ('settled', models.CharField(blank=True, max_length=200)),
                ('outputs', models.PositiveIntegerField()),
                ('drawn', models.PositiveIntegerField()),
                ('judged', models.PositiveIntegerField()),
                ('wrong', models.PositiveIntegerField()),
                ('value', models.FloatField(help_text='The sum of what the outputs are worth.')),
                ('stream', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='escalation.stream')),
            ],
            options={
                'indexes': [models.Index(fields=['stream', 'day'], name='count_of_stream')],
            },
        ),
        migrations.CreateModel(
            name='CountedDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('keys', models.JSONField(default=list, help_text='The segment keys that were told apart.')),
                ('waiting', models.PositiveIntegerField(default=0, help_text='Outputs of that day that were not routed yet.')),
                ('counted_at', models.DateTimeField()),
                ('stream', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='escalation.stream')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('stream', 'day'), name='one_count_per_day')],
            },
        ),
        migrations.CreateModel(
            name='Evidence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('attempt', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='escalation.attempt')),
                ('policy', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='evidence', to='escalation.policy')),
            ],
            options={
                'verbose_name_plural': 'evidence',
                'constraints': [models.UniqueConstraint(fields=('policy', 'attempt'), name='one_evidence_per_attempt')],
            },
        ),
        migrations.AddIndex(
            model_name='target',
            index=models.Index(fields=['stream', '-id'], name='target_latest'),
        ),
        migrations.AddConstraint(
            model_name='target',
            constraint=models.CheckConstraint(condition=models.Q(('doubt__gt', 0), ('doubt__lt', 1), ('max_error__gt', 0), ('max_error__lt', 1)), name='target_is_a_share'),
        ),
        migrations.AddConstraint(
            model_name='target',
            constraint=models.CheckConstraint(condition=models.Q(('groups', 'segments'), ('segment_key', ''), _connector='XOR'), name='target_names_its_segments'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.UniqueConstraint(fields=('stream', 'model', 'model_version', 'schema_number', 'number'), name='one_attempt_per_number'),
        ),
        migrations.AddConstraint(
            model_name='attempt',
            constraint=models.CheckConstraint(condition=models.Q(('last_id__gte', models.F('first_id'))), name='attempt_window_is_ordered'),
        ),
        migrations.AddIndex(
            model_name='testitem',
            index=models.Index(fields=['stream', 'settled_at'], name='test_item_of_stream'),
        ),
        migrations.AddConstraint(
            model_name='testitem',
            constraint=models.UniqueConstraint(condition=models.Q(('copy_of__isnull', False)), fields=('copy_of',), name='one_test_per_output'),
        ),
    ]
