"""The most that one transaction may cost on each network, in the coin's 9 places."""

from django.db import migrations

CEILINGS = {"BSC": 10**7, "ETH": 3 * 10**7, "POL": 3 * 10**9, "TRX": 60 * 10**9, "SOL": 10**7}


def fill(apps, schema_editor):
    for code, ceiling in CEILINGS.items():
        apps.get_model("crypto", "Network").objects.filter(code=code).update(fee_ceiling_minor=ceiling)


class Migration(migrations.Migration):
    dependencies = [("crypto", "0005_fee_ceiling")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=False)]
