"""What the documents say exists: links and their anchors, files, commands, services, settings; and their code runs."""

from __future__ import annotations

import ast
import itertools
import json
import re
import shutil
import time
import tomllib
from base64 import b64encode
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands

from gateway.contracts.guide_testing import Shell, blocks, shown_in
from ledger.testing import assert_ledger_balances

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]
FENCES = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.M | re.S)


def anchors(path):
    """As GitHub and its kin make them of headings."""
    headings = re.findall(r"^#+ (.*)$", FENCES.sub("", path.read_text()), re.M)
    return {re.sub(r"[^\w -]", "", re.sub(r"[`*]", "", line).lower()).strip().replace(" ", "-") for line in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_link_leads_somewhere(path):
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", FENCES.sub("", path.read_text())):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)

    assert broken == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_file_that_is_named_exists(path):
    top = {entry.name for entry in ROOT.iterdir()}
    named = re.findall(r"`([\w./-]+/[\w./-]*)`", FENCES.sub("", path.read_text()))
    missing = [name for name in named if name.split("/")[0] in top - {"var"} and not (ROOT / name).exists()]

    assert missing == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_command_exists(path):
    text = path.read_text()
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    modules = re.findall(r"python -m ((?:gateway|bench|tests|proof)[\w.]*)", text)

    assert set(re.findall(r"manage\.py (\w+)", text)) - set(get_commands()) == set()
    assert set(re.findall(r"(?:^|`)make (\w+)", text, re.M)) - targets == set()
    assert set(re.findall(r"docker compose (?:exec|restart|logs --tail 100) (\w+)", text)) - set(services) == set()
    assert [name for name in modules if not _module(name)] == []


def _module(name):
    path = ROOT / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


@pytest.mark.parametrize("path", DOCUMENTS, ids=NAMES)
def test_every_block_of_code_can_be_read(path):
    for language, text in FENCES.findall(path.read_text()):
        if language == "python":
            ast.parse(re.sub(r"^ {3}", "", text, flags=re.M) if text.startswith("   ") else text)
        elif language == "json":
            json.loads(text)


def test_every_setting_that_a_document_names_is_in_the_example():
    known = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))
    prefixes = ("KEEP_", "WEBHOOK_", "CRYPTO_", "DATABASE_", "METRICS_", "PUBLIC_", "WITHDRAWAL_", "OTEL_", "SENTRY_", "LIVE_")
    named = {name for path in DOCUMENTS for name in re.findall(r"`([A-Z][A-Z_]{5,})(?:=[^`]*)?`", path.read_text())
             if name.startswith(prefixes)}

    assert named - known - {"PUBLIC_HOST"} == set()


def test_every_document_stands_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}

    assert [page for page in sorted(pages) if f"({page})" not in index] == []


def test_the_picture_of_imports_is_what_is_enforced():
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = [re.split(r" \| ", layer) for layer in next(rule for rule in rules if rule["type"] == "layers")["layers"]]
    picture = (ROOT / "docs" / "architecture.md").read_text()
    drawn = re.findall(r"^  ([\w &]+) --> ([\w &]+)$", picture.partition("flowchart LR")[0], re.M)

    expected = list(itertools.pairwise(layers))
    assert [(_nodes(upper), _nodes(lower)) for upper, lower in drawn] == expected


def _nodes(text):
    return [name.replace("gateway_", "gateway.") for name in text.split(" & ")]


def test_the_receivers_code_believes_our_deliveries_and_no_others():
    from webhooks import signing

    names = {}
    (code,) = (text for kind, text in blocks("webhooks.md") if kind == "python")
    exec(code, names)
    secret, body = "whsec_" + b64encode(b"k" * 24).decode(), b'{"event":"payment.completed"}'

    def believed(body, *secrets, at=None):
        sent = signing.headers(contract="portal", url="https://shop.example/hooks", event_id="evt_1", event_name="x",
                               body=b'{"event":"payment.completed"}', secrets=secrets, at=at or datetime.now(UTC))
        return names["is_genuine"](secret, {name.lower(): value for name, value in sent.items()}, body)

    other = "whsec_" + b64encode(b"o" * 24).decode()
    assert believed(body, secret)
    assert believed(body, other, secret)  # while it is being rotated
    assert not believed(body + b" ", secret)
    assert not believed(body, other)
    assert not believed(body, secret, at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")
@pytest.mark.django_db(transaction=True)
def test_getting_started_works_as_printed(cast, fund, balances, live_server, tmp_path, settings):
    """What the page and a worker do is done here, where the guide waits for them."""
    settings.SANDBOX_PAYMENT_DELAY_SECONDS = 0.1
    fund(cast.merchant, 1_000_00)
    key = cast.keys[cast.merchant_user.public_id, "test"]
    shell, printed, compared = Shell(tmp_path, {"BASE": f"{live_server.url}/api/v1", "KEY": key}), "", 0

    for kind, text in blocks("getting-started.md")[1:]:
        if kind == "json":
            expected = json.loads(text)
            assert shown_in(printed, expected) == expected
            compared += 1
            continue
        for line in text.strip().splitlines():
            if line.startswith("sleep"):
                _pay("order-1001")
            else:
                printed = shell.run(line) or printed
                if line.endswith("grep '\"status\"'"):
                    assert '"completed"' in printed
                if line.startswith("curl -s $BASE/balance"):
                    assert json.loads(printed)["data"]["available"] == 1976.4
    shell.close()

    assert compared == 2
    assert balances(cast.merchant) == (1_470_50, 0, 505_90)
    assert_ledger_balances()


def _pay(reference):
    """As the page does with `success@upi`, and workers after it."""
    from accounts.actors import Actor
    from payments import work
    from payments.models import Payment
    from payments.services import confirm_payment

    payment = Payment.objects.get(order__reference=reference)
    confirm_payment(actor=Actor.system("payer"), payment=payment, vpa="success@upi")
    deadline = time.monotonic() + 30
    while Payment.objects.get(pk=payment.pk).status != "succeeded" and time.monotonic() < deadline:
        work.drive_payments()
