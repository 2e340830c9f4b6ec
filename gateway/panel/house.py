"""The house's own coins: how much lies where, and taking them out. Two people, a fresh proof of each, and no merchant's
money: the service decides that under its lock, these pages only show it.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpResponse
from django.urls import reverse

from accounts.actors import get_or_404
from accounts.models import Role
from crypto import formats
from crypto.models import HotWallet, HouseWithdrawal
from crypto.queries import house
from crypto.queries.sending import wait_words
from crypto.services.capital import coins_of
from crypto.services.house_money import own_minor
from crypto.services.house_withdrawals import (
    confirm_house_withdrawal,
    propose_house_withdrawal,
    reject_house_withdrawal,
)
from gateway.lib.modes import Mode
from gateway.lib.money import Money
from gateway.panel.access import FORM, PanelRequest, page
from gateway.panel.coins import CoinForm, money_of, of_coins
from gateway.panel.confirming import OnceForm, Step, confirm, only_once
from gateway.panel.lists import paginate
from gateway.panel.payments import ReasonForm
from gateway.panel.rendering import crumbs, page_or_part
from gateway.panel.wallets import AREA
from gateway.panel.words import money_text

_HOUSE = (Role.SUPER_ADMIN.value,)
_LIST = ("The house's own", "panel:house-withdrawals")
Status = HouseWithdrawal.Status


@page(_HOUSE)
def listing(request: PanelRequest) -> HttpResponse:
    context = {
        "crumbs": crumbs(AREA, _LIST[0]), "own": house.own_views(request.viewer),
        "page": paginate(request, house.visible_house_withdrawals(request.viewer)),
    }
    return page_or_part(request, "panel/wallets/house.html", "panel/wallets/_house.html", context)


@page(_HOUSE)
def detail(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(house.visible_house_withdrawals(request.viewer), pk=pk)
    sent, waits = row.outgoing, row.status == Status.PENDING
    own = row.mode == Mode.LIVE and row.created_by_id == request.user.pk
    context = {
        "crumbs": crumbs(AREA, _LIST, f"House withdrawal {row.pk}"), "row": row, "outgoing": sent,
        "is_own": waits and own, "may_confirm": waits and not own,
        "may_reject": waits or (row.status == Status.PROCESSING and sent is not None and sent.status == "waiting"),
        "is_moving": row.status == Status.PROCESSING, "wait": wait_words(sent) if sent is not None else "",
        "timeline": house.house_history(row),
        "transaction_url": (
            formats.explorer_transaction_url(row.network, sent.transaction_hash)
            if sent is not None and sent.transaction_hash and row.mode == Mode.LIVE else ""
        ),
    }
    return page_or_part(request, "panel/wallets/house_one.html", "panel/wallets/_house_one.html", context)


class TakeOutForm(CoinForm, OnceForm):
    address = forms.CharField(
        max_length=64, widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none", "class": "input mono"}
        ),
        help_text="On this network alone. What is sent to a wrong address is gone.",
    )
    note = forms.CharField(max_length=200, help_text="Where it goes and what for: the second person reads it.")
    field_order = ("currency", "amount", "address", "note")


@page(_HOUSE, FORM, proof=True)
def take_out(request: PanelRequest, code: str) -> HttpResponse:
    mode = request.viewer.mode
    wallet = get_or_404(HotWallet.objects.filter(mode=mode).select_related("network"), network_id=code)
    network, known = wallet.network, coins_of(wallet.network, mode)
    own = [Money(own_minor(network, mode, each), each) for each in known]
    step = Step(
        title=f"Take the house's own out of {network.name}", action="Propose", back=reverse("panel:house-withdrawals"),
        text=f"Nothing is sent before it is confirmed. Leave enough {network.native} for the fees of what comes.",
        facts=[("The house's own", ", ".join(money_text(each) for each in own))],
    )

    def act(data: dict[str, Any]) -> None:
        amount = money_of(data["amount"], data["currency"])
        with only_once(data["once"]):
            propose_house_withdrawal(
                actor=request.actor, network=network, mode=mode, amount=amount, address=data["address"],
                note=data["note"],
            )

    said = "It is proposed, and waits for a second person." if mode == Mode.LIVE else "It is proposed. Confirm it."
    return confirm(request, step, act, form=of_coins(TakeOutForm, known), message=said)


@page(_HOUSE, FORM, proof=True)
def agree(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(house.visible_house_withdrawals(request.viewer), pk=pk)
    step = Step(
        title=f"Send {money_text(row.amount)} of the house?", action=f"Send {money_text(row.amount)}", back=_page(row),
        text="Compare the address with whoever owns it. What is on a chain cannot be taken back.", facts=_facts(row),
    )

    def act(_: dict[str, Any]) -> HouseWithdrawal:
        return confirm_house_withdrawal(actor=request.actor, withdrawal=row)

    return confirm(request, step, act, message=f"{money_text(row.amount)} are being sent.")


@page(_HOUSE, FORM, proof=True)
def reject(request: PanelRequest, pk: int) -> HttpResponse:
    row = get_or_404(house.visible_house_withdrawals(request.viewer), pk=pk)
    step = Step(
        title=f"Reject {money_text(row.amount)}?", action="Reject", danger=True, back=_page(row), facts=_facts(row),
        text="Nothing is sent, and it is the house's own as before.",
    )

    def act(data: dict[str, Any]) -> HouseWithdrawal:
        return reject_house_withdrawal(actor=request.actor, withdrawal=row, reason=data["reason"])

    return confirm(request, step, act, form=ReasonForm, message=f"House withdrawal {row.pk} is rejected.")


def _page(row: HouseWithdrawal) -> str:
    return reverse("panel:house-withdrawal", args=[row.pk])


def _facts(row: HouseWithdrawal) -> list[tuple[str, object]]:
    return [
        ("Amount", money_text(row.amount)), ("Network", row.network.name), ("To", row.address), ("Note", row.note),
        ("Proposed by", row.created_by.name),
    ]
