"""Signing in with a code, proving it again before something grave, ending other browsers, and a lost password."""

from __future__ import annotations

import re
import time
from urllib.parse import urlsplit

import pyotp
import pytest
from django.core import mail
from django.test import Client

from accounts import second_factor
from accounts.actors import Actor
from accounts.invitations import password_link, send_due
from accounts.models import AuditRecord, PanelSession, SecondFactor, User

PASSWORD = "correct-horse-battery"
SIGN_IN, CODE, OVERVIEW = "/panel/sign-in", "/panel/sign-in/code", "/panel/"


@pytest.fixture
def enrolled():
    """`enrolled(user)` has an authenticator; returns it and the recovery codes."""

    def make(user):
        secret = second_factor.begin_enrolment(user=user)
        codes = second_factor.confirm_enrolment(actor=Actor(user, "tests"), user=user, code=pyotp.TOTP(secret).now())
        SecondFactor.objects.filter(user=user).update(last_step=0)
        return pyotp.TOTP(secret), codes

    return make


def _password(client, email="admin@example.com", **more):
    return client.post(SIGN_IN, {"email": email, "password": PASSWORD} | more)


def test_the_password_alone_does_not_open_the_panel(cast, enrolled):
    totp, _ = enrolled(cast.admin)
    client = Client()

    answer = _password(client, next="/panel/payouts")

    assert (answer.status_code, answer["Location"]) == (302, CODE)
    assert client.get(OVERVIEW).status_code == 302
    answer = client.post(CODE, {"code": totp.now()})
    assert (answer.status_code, answer["Location"]) == (302, "/panel/payouts")
    assert client.get(OVERVIEW).status_code == 200


def test_a_wrong_code_stays_out_and_counts(cast, enrolled, settings):
    settings.SIGN_IN_ATTEMPTS = 3
    totp, _ = enrolled(cast.admin)
    client = Client()
    _password(client)

    answers = [client.post(CODE, {"code": "000000"}).status_code for _ in range(3)]

    assert answers == [422, 422, 422]
    assert client.post(CODE, {"code": totp.now()}).status_code == 429
    assert client.get(OVERVIEW).status_code == 302


def test_a_used_code_does_not_sign_in_a_second_browser(cast, enrolled):
    totp, _ = enrolled(cast.admin)
    code, first, second = totp.now(), Client(), Client()
    for client in (first, second):
        _password(client)

    statuses = [client.post(CODE, {"code": code}).status_code for client in (first, second)]

    assert statuses == [302, 422]
    assert second.get(OVERVIEW).status_code == 302


def test_the_code_page_alone_leads_to_the_sign_in(db):
    answer = Client().get(CODE)

    assert (answer.status_code, answer["Location"]) == (302, SIGN_IN)


def test_an_operator_without_one_sees_nothing_until_it_is_set_up(cast, signed_in, settings):
    settings.REQUIRE_SECOND_FACTOR = True
    client = signed_in(cast.admin)

    answer = client.get("/panel/payouts")
    assert (answer.status_code, answer["Location"]) == (302, "/panel/security/authenticator")
    page = client.get("/panel/security/authenticator").content.decode()
    secret = re.search(r"type this key: <code>([A-Z2-7 ]+)</code>", page, re.IGNORECASE)[1].replace(" ", "")
    answer = client.post("/panel/security/authenticator", {"code": pyotp.TOTP(secret).now()})

    assert answer.status_code == 200
    assert len(re.findall(r"<li><code>[0-9a-z]{5}-[0-9a-z]{5}</code></li>", answer.content.decode())) == 10
    assert client.get("/panel/payouts").status_code == 200
    assert secret not in client.get("/panel/security").content.decode()


def _stale(client):
    session = client.session
    session["proved_at"] = int(time.time()) - 3600
    session.save()
    return client


def test_a_stale_proof_is_asked_for_again_and_nothing_happens_meanwhile(cast, signed_in, enrolled):
    enrolled(cast.merchant_user)
    client = _stale(signed_in(cast.merchant_user))

    answer = client.post("/panel/security/authenticator/remove")

    assert (answer.status_code, answer["Location"]) == (
        302, "/panel/prove?next=%2Fpanel%2Fsecurity%2Fauthenticator%2Fremove"
    )
    assert second_factor.has_second_factor(cast.merchant_user)


def test_after_the_proof_it_goes_on(cast, signed_in, enrolled):
    totp, _ = enrolled(cast.merchant_user)
    client = _stale(signed_in(cast.merchant_user))

    wrong = client.post("/panel/prove", {"code": "000000", "next": "/panel/security"})
    right = client.post("/panel/prove", {"code": totp.now(), "next": "/panel/security/authenticator/remove"})

    assert wrong.status_code == 422
    assert (right.status_code, right["Location"]) == (302, "/panel/security/authenticator/remove")
    client.post("/panel/security/authenticator/remove")
    assert not second_factor.has_second_factor(cast.merchant_user)


def test_a_dialog_that_needs_a_proof_comes_back_to_its_page(cast, signed_in):
    client = _stale(signed_in(cast.merchant_user))

    answer = client.get(
        "/panel/security/authenticator/remove",
        headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/panel/security?x=1"},
    )

    assert answer["HX-Redirect"] == "/panel/prove?next=%2Fpanel%2Fsecurity%3Fx%3D1"


def test_a_proof_never_leads_to_another_site(cast, signed_in):
    client = signed_in(cast.merchant_user)

    answer = client.post("/panel/prove", {"password": PASSWORD, "next": "https://evil.example/"})

    assert answer["Location"] == OVERVIEW


def test_browsers_are_listed_and_ended(cast, signed_in):
    here, there = signed_in(cast.merchant_user), signed_in(cast.merchant_user)
    here.get(OVERVIEW, headers={"User-Agent": "Here/1"})
    there.get(OVERVIEW, headers={"User-Agent": "There/1"})
    assert PanelSession.objects.filter(user=cast.merchant_user).count() == 2
    row = PanelSession.objects.get(browser="There/1")

    other = signed_in(cast.other_user).post(f"/panel/security/browsers/{row.pk}/end")
    assert other.status_code == 404
    assert there.get(OVERVIEW).status_code == 200
    page = here.get("/panel/security").content.decode()
    assert "Here/1" in page
    assert "There/1" in page
    here.post(f"/panel/security/browsers/{row.pk}/end")

    assert there.get(OVERVIEW).status_code == 302
    assert here.get(OVERVIEW).status_code == 200


def test_a_lost_password_is_set_anew_by_mail(cast):
    client = Client()

    known = client.post("/panel/password/lost", {"email": "Merchant@example.com "})
    unknown = client.post("/panel/password/lost", {"email": "nobody@example.com"})

    assert (known.status_code, unknown.status_code) == (200, 200)
    assert known.content.decode().replace("Merchant@example.com", "X") == unknown.content.decode().replace(
        "nobody@example.com", "X"
    )
    assert send_due() == 1
    assert [message.to for message in mail.outbox] == [["merchant@example.com"]]
    path = re.search(r"/panel/password/\S+", mail.outbox[0].body)[0]
    new = "another-long-password-9"
    assert client.post(path, {"new": new, "again": new}).status_code == 302
    assert client.get(path).status_code == 404
    assert client.post(SIGN_IN, {"email": "merchant@example.com", "password": new}).status_code == 302
    assert AuditRecord.objects.filter(action="password.reset_asked").count() == 1


def test_a_password_by_a_link_leaves_nobody_in_the_list_of_browsers(cast, signed_in):
    signed_in(cast.merchant_user).get(OVERVIEW, headers={"User-Agent": "Thief/1"})
    signed_in(cast.other_user).get(OVERVIEW, headers={"User-Agent": "Neighbour/1"})
    new, client = "another-long-password-9", Client()
    assert client.post(urlsplit(password_link(cast.merchant_user)).path, {"new": new, "again": new}).status_code == 302

    client.post(SIGN_IN, {"email": "merchant@example.com", "password": new})
    page = client.get("/panel/security", headers={"User-Agent": "Owner/1"}).content.decode()

    assert ("Thief/1" in page, "Owner/1" in page) == (False, True)
    assert sorted(PanelSession.objects.values_list("browser", flat=True)) == ["Neighbour/1", "Owner/1"]


def test_asking_again_and_again_fills_no_mailbox(cast):
    for _ in range(8):
        Client().post("/panel/password/lost", {"email": "merchant@example.com"})
        User.objects.filter(email="merchant@example.com", reset_due=True).update(reset_due=False)

    assert AuditRecord.objects.filter(action="password.reset_asked").count() == 5


def test_a_suspended_user_gets_no_link(cast):
    User.objects.filter(pk=cast.api_user.pk).update(status="suspended")

    Client().post("/panel/password/lost", {"email": "api@example.com"})

    assert send_due() == 0
    assert mail.outbox == []


def test_a_super_admin_helps_who_lost_the_phone_and_nobody_else_may(cast, signed_in, enrolled):
    enrolled(cast.merchant_user)
    address = f"/panel/users/{cast.merchant_user.public_id}/authenticator"

    assert signed_in(cast.admin).post(address).status_code == 404
    assert second_factor.has_second_factor(cast.merchant_user)
    assert "Remove authenticator" in signed_in(cast.super_admin).get(address.rsplit("/", 1)[0]).content.decode()
    assert signed_in(cast.super_admin).post(address).status_code == 302

    assert not second_factor.has_second_factor(cast.merchant_user)


def test_a_button_without_a_page_comes_back_to_where_it_was(cast, signed_in):
    client = _stale(signed_in(cast.merchant_user))

    answer = client.post("/panel/security/codes", headers={"Referer": "http://testserver/panel/security"})

    assert answer["Location"] == "/panel/prove?next=%2Fpanel%2Fsecurity"


def test_every_page_that_needs_a_proof_is_known():
    from gateway.panel import urls

    grave = {pattern.name for pattern in urls.urlpatterns if getattr(pattern.callback, "panel_proof", False)}

    assert {
        "security-set-up", "security-remove", "security-codes", "payment-succeeded", "payment-failed",
        "payout-approve", "payout-reject", "payout-resolve", "endpoint-secret", "endpoint-rotate", "user-new", "user-edit",
    } <= grave


@pytest.mark.parametrize(("agent", "shown"), [
    ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36", "Chrome on Linux"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1", "Safari on iPhone"),
    ("curl/8.5.0", "curl/8.5.0"),
])
def test_a_browser_is_called_by_its_name(cast, signed_in, agent, shown):
    signed_in(cast.merchant_user).get(OVERVIEW, headers={"User-Agent": agent})

    assert PanelSession.objects.get().browser == shown
