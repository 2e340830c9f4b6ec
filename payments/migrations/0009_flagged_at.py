"""When a record was flagged, and the few payments that nobody captured, found by an index. The index comes first: if making
it is broken off, nothing else has to be undone before it is tried again."""

from django.db import migrations, models
from django.db.models import Q

from gateway.lib.online import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("payments", "0008_refund_from_pending")]
    operations = [
        AddIndexOnline("payment", models.Index(
            fields=["mode", "merchant"], name="payment_uncaptured",
            condition=Q(status="succeeded", captured_at__isnull=True),
        )),
        migrations.AddField("payment", "flagged_at", models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField("refund", "flagged_at", models.DateTimeField(blank=True, editable=False, null=True)),
    ]
