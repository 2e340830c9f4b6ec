import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("payouts", "0003_meet_beneficiaries")]

    operations = [
        migrations.AlterField(
            model_name="payout",
            name="beneficiary",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="payouts", to="payouts.beneficiary"
            ),
        ),
    ]
