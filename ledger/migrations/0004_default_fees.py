"""What the installation charges until an operator says otherwise."""

from datetime import datetime, timezone

from django.db import migrations

# product, fixed (minor units), hundredths of a percent, GST in hundredths of a percent
DEFAULTS = [
    ("payin_upi", 0, 200, 1800),
    ("payin_card", 0, 200, 1800),
    ("payout", 500, 0, 1800),
    ("crypto_payin", 0, 100, 0),
    ("crypto_withdrawal", 0, 10, 0),
]


def fill(apps, schema_editor):
    plans = apps.get_model("ledger", "FeePlan").objects
    beginning = datetime(2020, 1, 1, tzinfo=timezone.utc)
    for product, fixed, percent, gst in DEFAULTS:
        plans.create(
            product=product, fixed_minor=fixed, basis_points=percent, gst_basis_points=gst, effective_from=beginning
        )


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_post_function")]
    operations = [migrations.RunPython(fill, elidable=False)]
