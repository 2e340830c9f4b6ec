"""The signature debugger: what must be signed, which mistake was made, and code that works as printed."""

import base64
import hashlib
import hmac
import json
import os
import shutil
import subprocess
import sys

import pytest
from django.urls import reverse

from accounts.models import AuditRecord
from gateway.contracts.signed.testing import LINK, Signed, calculate_hmac
from gateway.panel import signature_clues
from gateway.panel.signature_code import Call, programs

PATH, NOW = "/api/v1/payin/generate/link", "1790431844701"
BODY = json.dumps(LINK, separators=(",", ":"))


@pytest.fixture
def signed(cast):
    return Signed(cast.merchant, name="Shop")


@pytest.fixture
def check(cast, signed, signed_in):
    """Pastes a request into the page and returns what it shows."""
    client = signed_in(cast.merchant_user)

    def check(signature, /, *, status=200, **more):
        sent = {
            "pair": signed.credential.pk, "method": "POST", "path": PATH, "timestamp": NOW, "signature": signature,
            "kind": "application/json", "body": BODY, "signed": "",
        } | more
        answer = client.post(reverse("panel:signatures"), sent)
        assert answer.status_code == status
        page = answer.content.decode()
        assert signed.pair.secret not in page
        for path in (PATH, PATH[1:]):
            if signature != (good := calculate_hmac(signed.pair.secret, NOW, BODY, path, "POST")):
                assert good not in page
        return page

    return check


def mac(secret, message, name="sha256"):
    return hmac.new(secret.encode(), message.encode(), name)


def test_a_good_signature_is_recognised_in_each_form(check, signed):
    for path in (PATH, PATH[1:]):
        page = check(calculate_hmac(signed.pair.secret, NOW, BODY, path, "POST"))
        assert "The signature matches" in page
        assert page.count("Yours") == 1
    record = AuditRecord.objects.filter(action="signature.checked").latest("pk")
    assert (record.data["matched"], record.data["hint"]) == (True, signed.pair.identifier)


def test_the_string_is_shown_line_by_line(check):
    page = check("0" * 64)

    assert "The signature does not match" in page
    for part in ("METHOD", "PATH", "BODY", "TIMESTAMP"):
        assert f"<dt>{part}</dt>" in page
    assert f"<code>{NOW}</code>" in page
    assert page.count("↵") >= 9
    assert "No known mistake gives this signature" in page


def text(path=PATH, body=BODY, timestamp=NOW, method="POST"):
    return f"{method}\n{path}\n{body}\n{timestamp}\n"


MISTAKES = [
    (lambda s: mac(s, text()[:-1]).hexdigest(), "last newline, after the timestamp, is missing"),
    (lambda s: mac(s, text()).hexdigest().upper(), "upper case"),
    (lambda s: base64.b64encode(mac(s, text()).digest()).decode(), "base64"),
    (lambda s: mac(s, text(timestamp=NOW[:-3])).hexdigest(), "signed in seconds"),
    (lambda s: mac(s, text(body=json.dumps(LINK))).hexdigest(), "with spaces that were not sent"),
    (lambda s: mac(s, text(body=json.dumps(LINK, sort_keys=True, separators=(",", ":")))).hexdigest(), "in another order"),
    (lambda s: mac(s, text(body="")).hexdigest(), "An empty line was signed"),
    (lambda s: mac(s, text(body="{}")).hexdigest(), "{} was signed in place of the body"),
    (lambda s: mac(s, text(path="/payin/generate/link")).hexdigest(), "path is not /api/v1/"),
    (lambda s: mac(s, text(path=PATH + "/")).hexdigest(), "path is not /api/v1/"),
    (lambda s: mac(s, text(method="post")).hexdigest(), "lower case"),
    (lambda s: mac(s, text(method="GET")).hexdigest(), "method GET was signed"),
    (lambda s: mac(s, text().replace("\n", "\r\n")).hexdigest(), "CR LF"),
    (lambda s: mac(s, text().replace("\n", "\\n")).hexdigest(), "two characters"),
    (lambda s: mac(s, text(), "sha512").hexdigest(), "SHA-512"),
    (lambda s: mac(s.removeprefix("sk_test_"), text()).hexdigest(), "without its prefix"),
    (lambda s: mac(s + "\n", text()).hexdigest(), "newline or space at its end"),
    (lambda s: mac(hashlib.sha256(s.encode()).hexdigest(), text()).hexdigest(), "hashed or encoded first"),
    (lambda s: mac(s, text(body=BODY.replace("/", "\\/"))).hexdigest(), "PHP"),
    (lambda s: base64.b64encode(mac(s, text()[:-1]).digest()).decode(), "last newline"),
]


@pytest.mark.parametrize(("make", "says"), MISTAKES, ids=[says for _, says in MISTAKES])
def test_a_usual_mistake_is_named(check, signed, make, says):
    page = check(make(signed.pair.secret))

    assert "This is what happened" in page
    assert says in page


def test_the_key_of_the_other_mode_is_named(check, cast):
    live = Signed(cast.merchant, "live", name="Live server")

    page = check(calculate_hmac(live.pair.secret, NOW, BODY, PATH, "POST"))

    assert f"secret of another key was used: Live server ({live.pair.identifier})" in page
    assert live.pair.secret not in page


def test_another_merchants_secret_is_not_known(check, cast):
    other = Signed(cast.other, name="Stranger")

    page = check(calculate_hmac(other.pair.secret, NOW, BODY, PATH, "POST"))

    assert "No known mistake" in page
    assert "Stranger" not in page
    assert other.pair.identifier not in page


def test_a_query_is_named(check, signed):
    page = check(mac(signed.pair.secret, text(path=f"{PATH}?a=1")).hexdigest(), path=f"https://pay.example{PATH}?a=1")

    assert "query string was signed" in page
    assert "unexpected_query" in page


def test_a_form_and_an_empty_get(check, signed):
    fields = '{"order_id":"A-1","note":"a b"}'
    good = calculate_hmac(signed.pair.secret, NOW, fields, "api/v1/payin/transactions", "POST")
    assert "The signature matches" in check(
        good, path="api/v1/payin/transactions", kind="application/x-www-form-urlencoded", body="order_id=A-1&note=a+b"
    )
    empty = calculate_hmac(signed.pair.secret, NOW, "", "/api/v1/balance", "GET")
    assert "The signature matches" in check(empty, method="GET", path="/api/v1/balance", body="")


def test_a_pasted_string_is_compared(check, signed):
    assert "string that your code signed is right" in check("0" * 64, signed=text())
    crlf = text().replace("\n", "\r\n")  # as a browser sends a text area
    assert "string that your code signed is right" in check("0" * 64, signed=crlf)
    page = check("0" * 64, signed=text(body=BODY.replace("100", "101")))
    place = BODY.index("100") + 3
    assert f"differs first in line 3, column {place}" in page


@pytest.mark.parametrize(("expected", "found", "line", "column"), [
    ("a\nb\n", "a\nb", 2, 2), ("a\nb\n", "a\nc\n", 2, 1), ("abc", "abd", 1, 3), ("a", "a\n", 1, 2), ("", "x", 1, 1),
])
def test_the_first_difference(expected, found, line, column):
    difference = signature_clues.first_difference(expected, found)

    assert (difference.line, difference.column) == (line, column)
    assert signature_clues.first_difference(expected, expected) is None


@pytest.mark.parametrize(("timestamp", "says"), [
    (NOW[:-3], "in seconds"), ("soon", "13 digits"), ("1000000000000", "it would be refused all the same"),
])
def test_what_is_odd_about_a_timestamp(check, timestamp, says):
    assert says in check("0" * 64, timestamp=timestamp)


def test_what_is_odd_about_a_signature(check):
    assert "this one has 3 characters" in check("abc")


@pytest.mark.parametrize("field", ["pair", "method", "path", "timestamp", "signature", "kind"])
def test_every_part_is_asked_for(check, field):
    assert f'id="id_{field}_error"' in check("0" * 64, status=422, **{field: ""})
    assert not AuditRecord.objects.filter(action="signature.checked").exists()


def test_hostile_text_is_shown_as_text(check):
    page = check("<script>1</script>", body="<script>2</script>", path="/<script>3</script>", timestamp="<b>", signed="<i>\u202e")

    assert "<script>1" not in page
    assert "<script>2" not in page
    assert "<script>3" not in page


@pytest.mark.parametrize("body", ["{", "[]", "5", "😀", '{"a":1,"a":2}', "null", '{"a":' * 40 + "1" + "}" * 40, "x" * 20_000])
def test_no_body_is_too_odd(check, body):
    assert "does not match" in check("0" * 64, body=body)


@pytest.mark.parametrize(("who", "status"), [
    ("merchant_user", 200), ("api_user", 404), ("admin", 404), ("super_admin", 404), ("other_user", 200),
])
def test_it_is_for_merchants(cast, signed, signed_in, who, status):
    answer = signed_in(getattr(cast, who)).get(reverse("panel:signatures"))

    assert answer.status_code == status
    assert (signed.pair.identifier in answer.content.decode()) == (who == "merchant_user")


def test_another_merchants_or_modes_pair_cannot_be_chosen(cast, signed, signed_in):
    sent = {
        "pair": signed.credential.pk, "method": "GET", "path": "/api/v1/balance", "timestamp": NOW, "signature": "0" * 64,
        "kind": "application/json", "body": "", "signed": "",
    }
    for client in (signed_in(cast.other_user), signed_in(cast.merchant_user, mode="live")):
        answer = client.post(reverse("panel:signatures"), sent)
        assert answer.status_code in (200, 422)
        assert "does not match" not in answer.content.decode()
    assert not AuditRecord.objects.filter(action="signature.checked").exists()


COMMANDS = {"Python": (sys.executable, ".py"), "Node.js": ("node", ".js"), "PHP": ("php", ".php"), "Java": ("java", ".java")}


@pytest.mark.parametrize("language", COMMANDS)
@pytest.mark.django_db(transaction=True)
def test_the_code_works_as_printed(cast, live_server, tmp_path, language):
    command, ending = COMMANDS[language]
    if not shutil.which(command):
        if os.environ.get("REQUIRE_LANGUAGES") == "1":
            pytest.fail(f"{language} is required here, and is not on this machine")
        pytest.skip(f"no {language} on this machine")
    pair = Signed(cast.merchant).pair
    body = json.dumps(LINK | {"user_id": "it's \"q\" \\ $x ${y} चाय 💳 {z}"}, ensure_ascii=False, separators=(",", ":"))
    compact = json.dumps(json.loads(body), separators=(",", ":"))
    kind = "application/x-www-form-urlencoded"
    calls = [
        Call(live_server.url, "GET", "/api/v1/balance", "", "", "application/json"),
        Call(live_server.url, "POST", PATH, compact, body, "application/json"),
        Call(live_server.url, "POST", "/api/v1/payin/transactions", '{"order_id":"' + LINK["order_id"] + '"}',
             f"order_id={LINK['order_id']}", kind),
    ]
    answers = []
    for call in calls:
        program = tmp_path / f"Signed{ending}"
        program.write_text(dict(programs(call))[language])
        variables = {"ACCESS_KEY": pair.identifier, "SECRET_KEY": pair.secret}
        done = subprocess.run([command, str(program)], env=os.environ | variables, text=True, capture_output=True, timeout=120)
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))

    assert [answer["success"] for answer in answers] == [True, True, True], answers
    assert answers[1]["data"]["user_id"] == "it's \"q\" \\ $x ${y} चाय 💳 {z}"
