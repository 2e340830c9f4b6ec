"""Fills a running demo with a little of everything, through its own doors, for pictures and for looking around."""

from __future__ import annotations

import itertools

from tests.story import Answer, Gateway, Receiver, wait_for

_numbers = itertools.count(1)
PAYERS = ("Ananya Sharma", "Rahul Verma", "Lakshmi Venkataraman", "Imran Qureshi", "Jyoti Das")


def fill(gateway: Gateway) -> list[str]:
    """Payments and payouts in every state, an endpoint with deliveries. Returns the hosted pages to look at."""
    receiver = Receiver().start()
    _ok(gateway.api("merchant", "POST", "/webhook-endpoints", {"url": receiver.url}))
    pages = [_payment(gateway, vpa) for vpa in ("", "success@upi", "failure@upi", "pending@upi")]
    for rupees in (150, 2_499, 12_000.5, 45_000):
        _payout(gateway, rupees)
    _payout(gateway, 900, account="12345670000")
    wait_for(lambda: len(receiver.received) >= 3)
    return ["/", *pages]


def _payment(gateway: Gateway, vpa: str) -> str:
    number = next(_numbers)
    made = _ok(gateway.api("merchant", "POST", "/payments", {
        "amount": 499 * number + 0.5, "order_id": f"ORDER-{1000 + number}", "payer": PAYERS[number % len(PAYERS)],
        "redirect_url": "https://shop.example/thanks",
    }))
    path = made["payment_url"].removeprefix(gateway.base)
    if vpa:
        browser = gateway.browser()
        browser.post(path, browser.get(path), vpa=vpa, utr="")
    return path


def _payout(gateway: Gateway, rupees: float, account: str = "50100012345678") -> None:
    number = next(_numbers)
    _ok(gateway.api("merchant", "POST", "/payouts", {
        "amount": rupees, "order_id": f"PO-{number}", "beneficiary_name": PAYERS[number % len(PAYERS)],
        "account_number": account, "ifsc": "HDFC0001234", "bank_name": "HDFC Bank",
    }))


def _ok(answer: Answer) -> dict:
    assert answer.status in (200, 201), answer.text
    return answer.json["data"]
