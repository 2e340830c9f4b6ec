"""Finds a UTR under which a payout came back, while old code goes on writing."""

from django.db import migrations, models
from django.db.models import Q

from gateway.lib.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payouts", "0006_returned_by_the_bank")]
    operations = [
        AddIndexOnline("payout", models.Index(
            fields=["provider", "mode", "return_utr"], name="payout_returned",
            condition=Q(returned_at__isnull=False),
        )),
    ]
