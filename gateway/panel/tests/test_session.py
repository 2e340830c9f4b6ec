"""Coming and going: lock-out, a new session at sign-in, CSRF everywhere, the switch of modes."""

from __future__ import annotations

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.test import Client
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.errors import SignInUnavailable
from accounts.models import AuditRecord, User
from payouts.models import Payout

PASSWORD = "correct-horse-battery"
SIGN_IN = "/panel/sign-in"


def _sign_in(client, email="merchant@example.com", password=PASSWORD, **more):
    return client.post(SIGN_IN, {"email": email, "password": password} | more)


def test_the_right_password_opens_the_overview(cast):
    client = Client()

    answer = _sign_in(client, email=" Merchant@Example.com ")

    assert (answer.status_code, answer["Location"]) == (302, reverse("panel:overview"))
    assert client.get(reverse("panel:overview")).status_code == 200


@pytest.mark.parametrize("email", ["merchant@example.com", "nobody@example.com"])
def test_a_wrong_password_and_an_unknown_address_look_the_same(cast, email):
    client = Client()

    answer = _sign_in(client, email=email, password="wrong")

    assert answer.status_code == 422
    assert "This e-mail address and password do not match." in answer.content.decode()
    assert client.get(reverse("panel:overview")).status_code == 302


def test_five_failures_lock_the_account_even_for_the_right_password(cast):
    client = Client()
    for _ in range(5):
        _sign_in(client, password="wrong")

    answer = _sign_in(client)

    assert answer.status_code == 429
    assert "Too many failed attempts" in answer.content.decode()
    assert client.get(reverse("panel:overview")).status_code == 302
    assert AuditRecord.objects.filter(action="user.locked", target=cast.merchant_user.public_id).count() == 1


def test_a_suspended_user_is_told_so_and_stays_out(cast):
    type(cast.merchant_user).objects.filter(pk=cast.merchant_user.pk).update(status="suspended")
    client = Client()

    answer = _sign_in(client)

    assert answer.status_code == 422
    assert "suspended" in answer.content.decode()
    assert client.get(reverse("panel:overview")).status_code == 302


def test_the_form_never_shows_the_password_again(cast):
    answer = _sign_in(Client(), password="my-secret-attempt")

    assert "my-secret-attempt" not in answer.content.decode()


def test_signing_in_makes_a_new_session(cast):
    client = Client()
    client.get(SIGN_IN)
    session = client.session
    session["planted"] = "yes"
    session.save()
    client.cookies["sessionid"] = session.session_key
    planted = session.session_key

    _sign_in(client)

    assert client.cookies["sessionid"].value != planted
    client.cookies["sessionid"] = planted
    assert client.get(reverse("panel:overview")).status_code == 302


def test_another_users_session_is_not_carried_over(cast, signed_in):
    client = signed_in(cast.admin, mode="live")

    _sign_in(client)

    assert "mode" not in client.session
    assert "Chai Point" in client.get(reverse("panel:overview")).content.decode()


def test_after_signing_in_one_is_where_one_wanted_to_be(cast):
    wanted = reverse("panel:payouts") + "?status=pending"

    assert _sign_in(Client(), next=wanted)["Location"] == wanted


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", "http:evil"]
)
def test_but_never_on_another_site(cast, elsewhere):
    assert _sign_in(Client(), next=elsewhere)["Location"] == reverse("panel:overview")


def test_signing_out_ends_the_session(cast, signed_in):
    client = signed_in(cast.merchant_user)
    key = client.cookies["sessionid"].value

    answer = client.post(reverse("panel:sign-out"))

    assert answer["Location"] == reverse("panel:sign-in")
    client.cookies["sessionid"] = key
    assert client.get(reverse("panel:overview")).status_code == 302


def test_a_form_without_its_token_does_nothing(cast, signed_in, make_payout, balances):
    payout = make_payout(cast.merchant, by=cast.merchant_user)
    before = balances(cast.merchant)
    client = signed_in(cast.admin, enforce_csrf_checks=True)
    addresses = [
        reverse("panel:payout-approve", args=[payout.public_id]), reverse("panel:payout-reject", args=[payout.public_id]),
        reverse("panel:payment-new"), reverse("panel:profile"), reverse("panel:sign-out"), reverse("panel:mode", args=["live"]),
    ]

    for address in addresses:
        answer = client.post(address, {"reason": "x"})
        assert answer.status_code == 403, address
        assert "This form has expired" in answer.content.decode()

    payout.refresh_from_db()
    assert payout.status == "pending"
    assert balances(cast.merchant) == before


def test_the_sign_in_form_needs_its_token_too(cast):
    assert _sign_in(Client(enforce_csrf_checks=True)).status_code == 403


# Modes --------------------------------------------------------------------------------------------------
def test_test_mode_is_where_one_starts_and_it_says_so(cast, signed_in):
    client = Client()
    _sign_in(client)

    page = client.get(reverse("panel:overview")).content.decode()

    assert 'data-mode="test"' in page
    assert "Test mode." in page


def test_live_takes_a_confirmation(cast, signed_in):
    client = signed_in(cast.merchant_user)
    address = reverse("panel:mode", args=["live"])

    asked = client.get(address)
    still = client.get(reverse("panel:overview")).content.decode()
    client.post(address)
    after = client.get(reverse("panel:overview")).content.decode()

    assert "Switch to live mode?" in asked.content.decode()
    assert 'data-mode="test"' in still
    assert 'data-mode="live"' in after
    assert "Live mode." in after


def test_a_get_never_switches_back_either(cast, signed_in):
    client = signed_in(cast.merchant_user, mode="live")

    client.get(reverse("panel:mode", args=["test"]))
    assert client.session["mode"] == "live"

    client.post(reverse("panel:mode", args=["test"]))
    assert client.session["mode"] == "test"


@pytest.mark.parametrize(("mode", "other"), [("test", "live"), ("live", "test")])
def test_a_form_of_one_mode_does_not_act_in_the_other(cast, signed_in, settings, fund, balances, mode, other):
    """Two tabs: a payout is confirmed where the page says “no real money moves”, after the other tab has switched."""
    settings.LIVE_PAYOUT_PROVIDER = "bank_file"
    for each in (mode, other):
        fund(cast.merchant, 100_000, mode=each)
    before = balances(cast.merchant, mode), balances(cast.merchant, other)
    tab, address = signed_in(cast.merchant_user, mode=mode, enforce_csrf_checks=True), reverse("panel:payout-new")
    values = {
        "amount": "500.00", "order_id": "P-1", "beneficiary_name": "Ravi Kumar", "account_number": "501001234567",
        "ifsc": "HDFC0001234", "method": "IMPS", "confirmed": "1",
    }
    token = str(tab.get(address).context["csrf_token"])
    tab.post(reverse("panel:mode", args=[other]), {"csrfmiddlewaretoken": token})
    assert tab.session["mode"] == other

    answer = tab.post(address, values | {"csrfmiddlewaretoken": token})

    assert answer.status_code == 403
    assert "switched between test and live" in answer.content.decode()
    assert (Payout.objects.count(), balances(cast.merchant, mode), balances(cast.merchant, other)) == (0, *before)
    fresh = str(tab.get(address).context["csrf_token"])
    assert tab.post(address, values | {"csrfmiddlewaretoken": fresh}).status_code == 302
    assert Payout.objects.get().mode == other


def test_a_third_mode_does_not_exist(cast, signed_in):
    client = signed_in(cast.merchant_user)

    assert client.post(reverse("panel:mode", args=["sandbox"])).status_code == 404
    assert client.session["mode"] == "test"


def test_a_spoilt_mode_counts_as_test(cast, signed_in):
    client = signed_in(cast.merchant_user, mode="everything")

    assert 'data-mode="test"' in client.get(reverse("panel:overview")).content.decode()


# Invitations --------------------------------------------------------------------------------------------
def _link(user):
    uid = urlsafe_base64_encode(force_bytes(user.public_id))
    return reverse("panel:set-password", args=[uid, default_token_generator.make_token(user)])


def test_an_invitations_link_sets_a_password_once(cast):
    link, new = _link(cast.api_user), "a-long-new-password-27"
    client = Client()

    weak = client.post(link, {"new": "short", "again": "short"})
    unequal = client.post(link, {"new": new, "again": new + "x"})
    good = client.post(link, {"new": new, "again": new})
    again = client.get(link)

    assert (weak.status_code, unequal.status_code, good.status_code, again.status_code) == (422, 422, 302, 404)
    assert _sign_in(Client(), email="api@example.com", password=new).status_code == 302


@pytest.mark.parametrize("link", ["/panel/password/xxx/yyy", "/panel/password/%00/a-b", "/panel/password/dXNyXwA/a-b"])
def test_a_made_up_link_is_over(db, link):
    assert Client().get(link).status_code == 404


# Profile ------------------------------------------------------------------------------------------------
def test_the_profile_is_no_way_round_the_lock(cast, signed_in):
    """Who has somebody's session and not the password may not try them all."""
    client, new = signed_in(cast.merchant_user), "a-long-new-password-27"
    sent = {"form": "password", "new": new, "again": new}

    answers = [client.post(reverse("panel:profile"), sent | {"current": f"guess-{index}"}) for index in range(5)]
    locked = client.post(reverse("panel:profile"), sent | {"current": PASSWORD})

    assert [answer.status_code for answer in [*answers, locked]] == [422] * 6
    assert "Is not your password." in answers[-1].content.decode()
    assert "Too many failed attempts. Try again in 15 minutes." in locked.content.decode()
    cast.merchant_user.refresh_from_db()
    assert cast.merchant_user.check_password(PASSWORD)
    assert _sign_in(Client()).status_code == 429


def test_after_a_changed_password_this_browser_alone_is_listed(cast, signed_in):
    here = signed_in(cast.merchant_user, HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux) Firefox/140")
    there = signed_in(cast.merchant_user, HTTP_USER_AGENT="Mozilla/5.0 (Windows) Chrome/140")
    somebody = signed_in(cast.other_user)
    for client in (here, there, somebody):
        client.get(reverse("panel:overview"))
    new = "a-long-new-password-27"

    here.post(reverse("panel:profile"), {"form": "password", "current": PASSWORD, "new": new, "again": new})

    page = here.get(reverse("panel:security")).content.decode()
    assert ("Firefox on Linux" in page, "This one" in page, "Chrome on Windows" in page) == (True, True, False)
    assert there.get(reverse("panel:overview")).status_code == 302
    assert somebody.get(reverse("panel:overview")).status_code == 200


def test_a_changed_password_forgets_no_failures(cast, signed_in):
    """They may be those of the authenticator's code."""
    User.objects.filter(pk=cast.merchant_user.pk).update(failed_sign_ins=4)
    new = "a-long-new-password-27"

    answer = signed_in(cast.merchant_user).post(
        reverse("panel:profile"), {"form": "password", "current": PASSWORD, "new": new, "again": new}
    )

    assert answer.status_code == 302
    assert User.objects.get(pk=cast.merchant_user.pk).failed_sign_ins == 4


def test_changing_the_password_keeps_this_session_and_ends_the_others(cast, signed_in):
    here, there = signed_in(cast.merchant_user), signed_in(cast.merchant_user)
    new = "a-long-new-password-27"

    wrong = here.post(reverse("panel:profile"), {"form": "password", "current": "no", "new": new, "again": new})
    right = here.post(reverse("panel:profile"), {"form": "password", "current": PASSWORD, "new": new, "again": new})

    assert (wrong.status_code, right.status_code) == (422, 302)
    assert "Is not your password." in wrong.content.decode()
    assert here.get(reverse("panel:overview")).status_code == 200
    assert there.get(reverse("panel:overview")).status_code == 302


def test_the_name_changes_and_is_written_down(cast, signed_in):
    client = signed_in(cast.merchant_user)

    empty = client.post(reverse("panel:profile"), {"form": "name", "name": "  "})
    client.post(reverse("panel:profile"), {"form": "name", "name": "Meera Iyer"})

    cast.merchant_user.refresh_from_db()
    assert empty.status_code == 422
    assert cast.merchant_user.name == "Meera Iyer"
    assert AuditRecord.objects.filter(action="profile.updated").count() == 1


def test_sign_in_that_cannot_count_says_when_to_come_again(cast, client, monkeypatch):
    def unavailable(*_):
        raise SignInUnavailable()

    monkeypatch.setattr("gateway.panel.session.sign_in", unavailable)

    response = client.post("/panel/sign-in", {"email": "merchant@example.com", "password": "correct-horse-battery"})

    assert (response.status_code, response["Retry-After"]) == (503, "5")
    assert "_auth_user_id" not in client.session
