"""Bank files in the panel: chosen, made, sent, answered; by operators, in live mode, for their own team."""

from __future__ import annotations

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from accounts.actors import Actor
from gateway.lib.money import Money
from ledger.models import FeePlan
from ledger.testing import assert_ledger_balances
from payouts.batches import export_batch, mark_sent, open_batch, queries
from payouts.batches.results import drive_results
from payouts.models import BankFormat, Payout, PayoutBatch, ResultFile
from payouts.services import approve_payout, create_payout

pytestmark = pytest.mark.django_db
HEADER = "Reference,Status,UTR,Reason"


@pytest.fixture
def by_file(cast, fund, settings):
    """`by_file(3)` are three live payouts of ₹1,000.00, approved, that wait for a batch."""
    settings.LIVE_PAYOUT_PROVIDER = "bank_file"
    FeePlan.objects.create(merchant=cast.merchant, product="payout")
    FeePlan.objects.create(merchant=cast.other, product="payout")

    def make(count, minor=100_000, *, merchant=None, by=None, **more):
        merchant = merchant or cast.merchant
        fund(merchant, count * minor, mode="live")
        values = {"beneficiary_name": "Ravi Kumar", "account_number": "501001234567", "ifsc": "HDFC0001234"} | more
        payouts = [
            create_payout(
                actor=Actor(None, "tests"), merchant=merchant, mode="live", contract="portal",
                amount=Money(minor, "INR"), reference=f"OUT-{Payout.objects.count() + 1}", **values,
            )
            for _ in range(count)
        ]
        return [approve_payout(actor=Actor(by or cast.admin, "tests"), payout=payout) for payout in payouts]

    return make


@pytest.fixture
def batch_of(cast, by_file):
    def make(count, *, sent=True, by=None, **more):
        actor = Actor(by or cast.admin, "tests")
        payouts = by_file(count, by=by, **more)
        batch = open_batch(actor=actor, mode="live", payout_ids=[payout.public_id for payout in payouts])
        if sent:
            export_batch(actor=actor, batch=batch, file_type="csv")
            batch = mark_sent(actor=actor, batch=batch)
        return batch

    return make


def lines(batch):
    return list(queries.lines_of(batch))


def send_result(client, batch, *rows, name="result.csv"):
    content = "\n".join([HEADER, *rows]).encode()
    address = reverse("panel:batch-result-upload", args=[batch.public_id])
    return client.post(address, {"file": SimpleUploadedFile(name, content)})


def test_the_whole_way_from_approved_to_processed(cast, signed_in, by_file, balances):
    payouts = by_file(2)
    client = signed_in(cast.admin, mode="live")
    listed = client.get(reverse("panel:batches")).content.decode()
    assert "2 approved payouts wait for a batch" in listed
    assert "₹2,000.00 in all" in listed
    assert '<span class="rail-count">2' in listed

    opened = client.post(reverse("panel:batch-new"), {"payout": [row.public_id for row in payouts], "note": "Noon"})
    batch = PayoutBatch.objects.get()
    assert opened["Location"] == reverse("panel:batch", args=[batch.public_id])
    client.post(reverse("panel:batch-export", args=[batch.public_id, "csv"]))
    made = batch.exports.get()
    file = client.get(reverse("panel:batch-file", args=[batch.public_id, made.pk]))
    assert file["Content-Disposition"] == f'attachment; filename="{made.name}"'
    assert (file.content, file["Cache-Control"]) == (bytes(made.content), "no-store")
    marked = client.post(reverse("panel:batch-sent", args=[batch.public_id]))
    assert marked.status_code == 302, marked.content.decode()[:9000]
    first, second = lines(batch)
    uploaded = send_result(client, batch, f"{first.reference},SUCCESS,UTR0000001,", f"{second.reference},FAILED,,Closed")
    assert uploaded.status_code == 302, uploaded.content.decode()[-3000:]
    result = ResultFile.objects.get()
    assert uploaded["Location"] == reverse("panel:batch-result", args=[result.public_id])
    preview = client.get(uploaded["Location"]).content.decode()
    assert "Nothing of this counts yet." in preview
    assert Payout.objects.filter(status="processing").count() == 2

    client.post(reverse("panel:batch-result-apply", args=[result.public_id]))
    assert 'hx-trigger="every 2s"' in client.get(uploaded["Location"]).content.decode()
    assert drive_results() == 1

    paid, rejected = Payout.objects.order_by("pk")
    assert (paid.status, paid.utr, rejected.status, rejected.failure_reason) == (
        "processed", "UTR0000001", "failed", "Closed",
    )
    assert balances(cast.merchant, "live") == (100_000, 0, 0)
    seen = client.get(reverse("panel:batch", args=[batch.public_id])).content.decode()
    for text in ("All answered", "UTR0000001", "Closed", "Result file applied", made.sha256):
        assert text in seen
    assert 'hx-trigger="every 2s"' not in client.get(uploaded["Location"]).content.decode()
    assert_ledger_balances()


def test_payouts_are_chosen_by_bank_method_merchant_and_amount(cast, signed_in, by_file):
    by_file(1, beneficiary_name="Hdfc Small")
    by_file(1, 900_000, beneficiary_name="Icici Large", ifsc="ICIC0001234", method="NEFT")
    client = signed_in(cast.admin, mode="live")

    def shown(**filters):
        page = client.get(reverse("panel:batch-new"), filters).content.decode()
        return [name for name in ("Hdfc Small", "Icici Large") if name in page]

    assert shown() == ["Hdfc Small", "Icici Large"]
    assert shown(bank="HDFC") == shown(method="IMPS") == shown(max_amount="1000") == ["Hdfc Small"]
    assert shown(bank="ICIC") == shown(q="icici") == shown(min_amount="1000.01") == ["Icici Large"]
    assert shown(merchant=cast.merchant.public_id, bank="SBIN") == shown(merchant=cast.other.public_id) == []

    client.post(reverse("panel:batch-new") + "?bank=ICIC", {"all": "1"})

    assert [line.payout.beneficiary_name for line in lines(PayoutBatch.objects.get())] == ["Icici Large"]


def test_nothing_chosen_is_said_and_nothing_opened(cast, signed_in, by_file):
    by_file(1)
    client = signed_in(cast.admin, mode="live")

    for chosen in ([], ["pout_unknown"], ["\0"]):
        answer = client.post(reverse("panel:batch-new"), {"payout": chosen})
        assert answer.status_code == 422
        assert "None of these payouts can be put into a batch any more" in answer.content.decode()

    assert PayoutBatch.objects.count() == 0


def test_an_unclear_line_is_shown_wherever_somebody_looks(cast, signed_in, batch_of):
    batch = batch_of(1)
    [line] = lines(batch)
    client = signed_in(cast.admin, mode="live")
    send_result(client, batch, f"{line.reference},SUCCESS,,")
    client.post(reverse("panel:batch-result-apply", args=[ResultFile.objects.get().public_id]))
    drive_results()
    payout = line.payout.public_id

    problem = "Paid, but without a UTR."
    record = client.get(reverse("panel:payout", args=[payout])).content.decode()
    assert problem in record
    assert reverse("panel:payout-resolve", args=[payout]) in record
    assert reverse("panel:payout-resolve", args=[payout]) in client.get(reverse("panel:batches")).content.decode()
    assert problem in client.get(reverse("panel:batch", args=[batch.public_id]) + "?state=unclear").content.decode()
    assert "Paid, but without a UTR. Ask the bank first" in client.get(
        reverse("panel:payout-resolve", args=[payout])
    ).content.decode()
    client.post(reverse("panel:payout-resolve", args=[payout]), {"paid": "yes", "utr": "UTR0000001", "note": "Called"})

    assert Payout.objects.get().status == "processed"
    assert reverse("panel:payout-resolve", args=[payout]) not in client.get(reverse("panel:batches")).content.decode()
    assert_ledger_balances()


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"a,b\n1,2", "r.csv", "no header with the columns REFERENCE, STATUS, UTR, REASON"),
        (b"%PDF-1.7 x", "r.pdf", "PDF"), (b"", "r.csv", "empty"),
        (b"x" * (2 * 1024 * 1024 + 1), "r.csv", "at most 2 MiB"),
    ],
)
def test_what_is_no_result_file_is_said_beside_the_field(cast, signed_in, batch_of, content, name, said):
    batch = batch_of(1)

    answer = signed_in(cast.admin, mode="live").post(
        reverse("panel:batch-result-upload", args=[batch.public_id]), {"file": SimpleUploadedFile(name, content)}
    )

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert ResultFile.objects.count() == 0


def test_hostile_cells_are_text(cast, signed_in, batch_of):
    batch = batch_of(1, beneficiary_name="<script>alert(1)</script>")
    client = signed_in(cast.admin, mode="live")
    send_result(client, batch, '"<img src=x onerror=alert(1)>","<b>=1+1</b>","=cmd|1",', name='"><script>.csv')

    for page in (
        reverse("panel:batch", args=[batch.public_id]), reverse("panel:batch-new"),
        reverse("panel:batch-result", args=[ResultFile.objects.get().public_id]),
    ):
        text = client.get(page).content.decode()
        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "<b>=1" not in text.lower()


def test_taking_out_and_cancelling(cast, signed_in, batch_of):
    batch = batch_of(2, sent=False)
    client = signed_in(cast.admin, mode="live")

    client.post(reverse("panel:batch-take-out", args=[batch.public_id, 1]))
    assert [line.live for line in lines(batch)] == [False, True]
    refused = client.post(reverse("panel:batch-take-out", args=[batch.public_id, 2]))
    assert "cancel the batch instead" in refused.content.decode()
    assert client.get(reverse("panel:batch-take-out", args=[batch.public_id, 1])).status_code == 404

    client.post(reverse("panel:batch-cancel", args=[batch.public_id]), {"reason": "Wrong day"})
    batch.refresh_from_db()
    assert (batch.status, [line.live for line in lines(batch)]) == ("cancelled", [False, False])


_PAGES = ["batch", "batch-sent", "batch-cancel", "batch-result-upload"]


@pytest.mark.parametrize("who", ["merchant_user", "api_user", "other_admin"])
def test_another_teams_batch_is_not_there(cast, signed_in, batch_of, who):
    batch = batch_of(1)
    result = ResultFile.objects.create(batch=batch, name="r", content=b"", sha256="", rows=[])
    client = signed_in(getattr(cast, who), mode="live")

    for name in _PAGES:
        assert client.get(reverse(f"panel:{name}", args=[batch.public_id])).status_code == 404
    assert client.get(reverse("panel:batch-file", args=[batch.public_id, batch.exports.get().pk])).status_code == 404
    assert client.post(reverse("panel:batch-export", args=[batch.public_id, "csv"])).status_code == 404
    for name in ("batch-result", "batch-result-apply", "batch-result-discard"):
        assert client.get(reverse(f"panel:{name}", args=[result.public_id])).status_code == 404
    result.refresh_from_db()
    assert result.status == "preview"


def test_the_other_mode_does_not_see_it_and_says_why_there_is_none(cast, signed_in, batch_of):
    batch = batch_of(1)
    client = signed_in(cast.admin, mode="test")

    assert client.get(reverse("panel:batch", args=[batch.public_id])).status_code == 404
    assert "Bank files belong to live mode." in client.get(reverse("panel:batches")).content.decode()


# Formats ----------------------------------------------------------------------------------------------------
_FORMAT = {
    "name": "HDFC bulk", "columns": "A = {account_number}\nI = {ifsc}\nS = {amount}\nR = {reference}",
    "reference_column": "R", "status_column": "St", "utr_column": "U", "reason_column": "", "amount_column": "",
    "processed": "paid, done", "rejected": "failed", "pending": "",
}


def test_a_super_admin_keeps_formats_and_admins_see_them(cast, signed_in, by_file):
    root = signed_in(cast.super_admin, mode="live")
    root.post(reverse("panel:bank-format-new"), _FORMAT)
    made = BankFormat.objects.get()
    assert (made.result["processed"], made.result["status"]) == (["DONE", "PAID"], "St")
    bad = root.post(reverse("panel:bank-format", args=[made.public_id]), _FORMAT | {"columns": "A = {nothing}"})
    assert bad.status_code == 422
    assert "Knows no field {nothing}" in bad.content.decode()
    bad = root.post(reverse("panel:bank-format-new"), _FORMAT | {"name": "Two", "rejected": "done"})
    assert "in another list too" in bad.content.decode()

    admin = signed_in(cast.admin, mode="live")
    assert "HDFC bulk" in admin.get(reverse("panel:bank-formats")).content.decode()
    for name, arguments in (("bank-format-new", []), ("bank-format", [made.public_id])):
        assert admin.post(reverse(f"panel:{name}", args=arguments), _FORMAT | {"name": "X"}).status_code == 404
    [payout] = by_file(1)
    admin.post(reverse("panel:batch-new"), {"payout": payout.public_id, "bank_format": made.public_id})
    assert PayoutBatch.objects.get().bank_format == made

    root.post(reverse("panel:bank-format-retire", args=[made.public_id]))
    made.refresh_from_db()
    assert (made.retired, made.name, BankFormat.objects.count()) == (True, "HDFC bulk", 1)


# Two approvals ----------------------------------------------------------------------------------------------
def test_the_queue_and_the_record_tell_of_the_second_approver(cast, signed_in, make_payout):
    payout = make_payout(cast.merchant, 10_000_001, by=cast.merchant_user)
    admin, root = signed_in(cast.admin), signed_in(cast.super_admin)
    approve = reverse("panel:payout-approve", args=[payout.public_id])
    record = reverse("panel:payout", args=[payout.public_id])
    assert "needs 2 approvals" in admin.get(reverse("panel:payouts")).content.decode()
    assert "a second operator must approve it too" in admin.get(approve).content.decode()

    admin.post(approve)

    payout.refresh_from_db()
    assert (payout.status, payout.first_approved_by) == ("pending", cast.admin)
    assert "Approved by you" in admin.get(reverse("panel:payouts")).content.decode()
    assert approve not in admin.get(record).content.decode()
    assert admin.post(approve).status_code in (404, 422)
    assert "1 of 2 approvals" in root.get(reverse("panel:payouts")).content.decode()
    root.post(approve)
    payout.refresh_from_db()
    assert (payout.status, payout.approved_by) == ("approved", cast.super_admin)


def test_an_xlsx_download_opens_as_one(cast, signed_in, batch_of):
    from openpyxl import load_workbook

    batch = batch_of(1, sent=False)
    client = signed_in(cast.admin, mode="live")
    client.post(reverse("panel:batch-export", args=[batch.public_id, "xlsx"]))
    assert client.post(reverse("panel:batch-export", args=[batch.public_id, "exe"])).status_code == 404

    answer = client.get(reverse("panel:batch-file", args=[batch.public_id, batch.exports.get().pk]))

    assert load_workbook(io.BytesIO(answer.content)).active["A2"].value == lines(batch)[0].reference
