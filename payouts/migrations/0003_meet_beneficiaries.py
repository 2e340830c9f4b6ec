"""Payouts made before beneficiaries were known get theirs: one for each merchant, mode, account and IFSC."""

import hashlib

from django.db import migrations

from payouts.banks import bank_of


def meet(apps, schema_editor):
    payouts, beneficiaries = apps.get_model("payouts", "Payout").objects, apps.get_model("payouts", "Beneficiary").objects
    for payout in payouts.filter(beneficiary=None).order_by("id").iterator():
        fingerprint = hashlib.sha256(f"{payout.account_number}|{payout.ifsc}".encode()).hexdigest()
        row, _ = beneficiaries.get_or_create(
            merchant_id=payout.merchant_id, mode=payout.mode, fingerprint=fingerprint,
            defaults={
                "name": payout.beneficiary_name, "account_number": payout.account_number, "ifsc": payout.ifsc,
                "bank_name": payout.bank_name or bank_of(payout.ifsc), "created_at": payout.created_at,
                "created_by_id": payout.created_by_id,
            },
        )
        if payout.processed_at:
            beneficiaries.filter(pk=row.pk).update(last_paid_at=payout.processed_at)
        payouts.filter(pk=payout.pk).update(beneficiary=row)


class Migration(migrations.Migration):
    dependencies = [("payouts", "0002_beneficiaries_and_batches")]
    operations = [migrations.RunPython(meet, migrations.RunPython.noop, elidable=False)]
