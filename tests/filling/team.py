"""People, businesses, keys, fees."""

from __future__ import annotations

from accounts.actors import Actor
from accounts.invitations import password_link
from accounts.issuing import issue_credential
from accounts.models import Credential
from accounts.services import create_user, suspend_user
from gateway.panel.reference.operations import operations
from ledger.fees import set_fee_plan


def fill(people, filled):
    operator = Actor(people.super_admin, "panel")
    invited, _ = create_user(actor=operator, email="leela@shop.example", name="Leela Nair", role="merchant",
                             parent=people.admin, business_name="Nair Spices & Dry Fruits Private Limited")
    clerk, _ = create_user(actor=Actor(people.merchant_user, "panel"), email="clerk@shop.example", name="Till 3",
                           role="api_user", parent=people.merchant_user)
    away, _ = create_user(actor=operator, email="away@shop.example", name="Vikram Seth", role="merchant",
                          parent=people.admin, business_name="Seth Brothers", password="long-and-unguessable-7")
    suspend_user(actor=operator, user=away)
    plan = {"fixed_minor": 300, "basis_points": 150, "gst_basis_points": 1800}
    set_fee_plan(actor=operator, merchant=people.merchant, product="payin_upi", **plan)
    filled.put("user", at=people.merchant_user.public_id)
    filled.put("user-edit", "user-suspend", at=clerk.public_id)
    filled.put("user-activate", at=away.public_id, merchant=clerk.public_id)
    filled.put("user-authenticator", at=people.admin.public_id)
    filled.put("merchant", "merchant-suspend", "merchant-settings", "merchant-account", at=people.merchant.public_id)
    filled.put("merchant-activate", at=away.merchant.public_id)
    filled.put("merchant-fee", at=(people.merchant.public_id, "payin_upi"))
    filled.put("default-fee", at="payout")
    filled.put("mode", at="live")
    link = password_link(invited).rstrip("/").split("/")
    filled.put("set-password", at=(link[-2], link[-1]))
    _keys(people, filled)
    for contract in ("portal", "signed", "checkout", "dashboard"):
        filled.put("reference-of", at=contract)
        filled.put("reference-call", at=(contract, next(iter(operations(contract)))))


def _keys(people, filled):
    actor = Actor(people.merchant_user, "panel")
    for contract in ("signed", "checkout", "dashboard"):
        issue_credential(actor=actor, merchant=people.merchant, contract=contract, mode="test", name="Shop server",
                         allowed_addresses=[] if contract == "dashboard" else ["203.0.113.7", "2001:db8::/32"])
    pair = Credential.objects.filter(merchant=people.merchant, mode="test", contract="checkout").order_by("-pk")[0]
    filled.put("pair-new", at="signed")
    filled.put("pair-edit", "pair-renew", "pair-revoke", at=pair.pk)
    filled.put("key-regenerate", at="test")
