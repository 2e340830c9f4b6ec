"""For the tests of exports: a folder of their own, sessions by the dozen, and somebody who asks."""

from __future__ import annotations

import re
import zlib
from base64 import a85decode
from datetime import UTC, datetime, timedelta

import pytest

from accounts.actors import Actor
from crypto import testing
from crypto.exports import services
from crypto.models import Session

START, ONE = datetime(2026, 3, 1, tzinfo=UTC), 10**8
EVIL = "=cmd|' /C calc'!A0"


@pytest.fixture
def folder(settings, tmp_path):
    settings.EXPORT_DIR = str(tmp_path / "exports")
    return tmp_path / "exports"


@pytest.fixture
def sessions(cast):
    """`sessions(count)`: one a minute, of 1, 2, … tokens; every third is paid."""

    def make(count, **more):
        address = testing.add_addresses("BSC")[0]
        Session.objects.bulk_create(
            Session(
                merchant=cast.merchant, mode="test", reference=f"R{number:07}", amount_minor=number * ONE,
                currency="USDT" if number % 2 else "USDC", network_id="BSC", address=address,
                required_confirmations=12, expires_at=START, created_at=START + timedelta(minutes=number // 2),
                status="paid" if number % 3 == 0 else "expired", received_minor=number * ONE * (number % 3 == 0),
                fee_minor=number * ONE // 100 * (number % 3 == 0), customer_email=EVIL if number == 1 else "", **more,
            )
            for number in range(1, count + 1)
        )

    return make


@pytest.fixture
def ask(cast):
    def ask(**more):
        wanted = {
            "format": "csv", "type": "sessions", "starts_at": START, "ends_at": START + timedelta(days=30),
            "criteria": {},
        }
        return services.create_export(actor=Actor.system("tests"), merchant=cast.merchant, mode="test", **wanted | more)

    return ask


def pdf_pages(data):
    """The text that each page shows, from its uncompressed drawing commands."""
    streams = re.findall(rb"stream\r?\n(.*?)endstream", data, re.S)
    pages = [zlib.decompress(a85decode(stream.strip(), adobe=False) if stream.strip().endswith(b"~>") is False
             else a85decode(b"<~" + stream.strip(), adobe=True)) for stream in streams]
    return [b" ".join(re.findall(rb"\((.*?)(?<!\\)\) Tj", page)).decode("cp1252") for page in pages]
