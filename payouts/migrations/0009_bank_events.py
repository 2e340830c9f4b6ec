"""What banks told us by themselves, each message once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payouts", "0008_flagged_at")]
    operations = [
        migrations.CreateModel(
            name="BankEvent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("provider", models.CharField(max_length=24)),
                ("event_id", models.CharField(max_length=80)),
                ("subject", models.CharField(max_length=64)),
                ("effect", models.CharField(max_length=40)),
                ("received_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("provider", "event_id"), name="bank_event_once")],
            },
        ),
    ]
