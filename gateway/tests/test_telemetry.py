"""Traces and errors leave only where a setting says so, without what is private; a setting without its packages is refused."""

from __future__ import annotations

import subprocess
import sys

from gateway import telemetry


def test_what_is_asked_for_and_not_installed_is_named(monkeypatch):
    monkeypatch.setattr(telemetry, "find_spec", lambda name: None)

    named = telemetry.problems("https://key@sentry.example/1", "http://collector:4318")

    assert [text.partition(" ")[0] for text in named] == ["SENTRY_DSN", "OTEL_EXPORTER_OTLP_ENDPOINT"]
    assert all("requirements-observability.txt" in text for text in named)
    assert telemetry.problems("", "") == []


def test_nothing_is_imported_unless_it_is_asked_for():
    code = (
        "import sys; from gateway import telemetry; import gateway.wsgi; "
        "print([name for name in sys.modules if name.startswith(('sentry', 'opentelemetry'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_an_error_leaves_without_headers_bodies_and_credentials():
    event = {
        "request": {"url": "https://pay.example.com/api/v1/payments", "method": "POST", "headers": {"X-API-KEY": "k"},
                    "cookies": {"sessionid": "s"}, "data": {"card": "4111"}, "query_string": "key=1"},
        "exception": {"values": [{"value": "refused gw_live_abcdefgh12345678 for 4111 1111 1111 1111"}]},
        "extra": {"password": "hunter2"},
    }

    sent = telemetry.scrubbed(event, {})

    assert sent["request"] == {"url": "https://pay.example.com/api/v1/payments", "method": "POST"}
    assert sent["exception"] == {"values": [{"value": "refused [hidden] for [hidden]"}]}
    assert sent["extra"] == {"password": "[hidden]"}
