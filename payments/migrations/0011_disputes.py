"""What providers tell of chargebacks; what they propose has no operator who proposed it."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def _proposed():
    return models.OneToOneField(
        blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="payments.correction"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0010_bank_step"), migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AlterField("correction", "created_by", models.ForeignKey(
            blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+",
            to=settings.AUTH_USER_MODEL,
        )),
        migrations.CreateModel(
            name="Dispute",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=24)),
                ("dispute_id", models.CharField(max_length=80)),
                ("code", models.CharField(blank=True, default="", max_length=40)),
                ("taken_minor", models.BigIntegerField(blank=True, null=True)),
                ("returned_minor", models.BigIntegerField(blank=True, null=True)),
                ("problem", models.CharField(blank=True, default="", max_length=200)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("chargeback", _proposed()),
                ("credit", _proposed()),
                ("payment", models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="disputes", to="payments.payment"
                )),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("provider", "dispute_id"), name="dispute_once"),
                    models.CheckConstraint(
                        name="dispute_positive",
                        condition=(models.Q(taken_minor=None) | models.Q(taken_minor__gt=0))
                        & (models.Q(returned_minor=None) | models.Q(returned_minor__gt=0)),
                    ),
                ],
            },
        ),
    ]
