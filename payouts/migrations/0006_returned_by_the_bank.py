"""When the bank gave a paid payout back, and under which UTR."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payouts", "0005_search_words")]
    operations = [
        migrations.AddField("payout", "returned_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField(
            "payout", "return_utr", models.CharField(blank=True, db_default="", default="", max_length=40)
        ),
    ]
