"""What an installation refuses to start with: each mistake named in plain words, all of them at once."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent.parent
SECRET = "q7Zk3vN1x9LrT5wYb2Hc8Jd4Fg6MsPaEuVtXnRyQ"
FERNET = "n0YqKJx3v5G1dTzW8bRmLhQeC2uXsA7PfVyZ4iN6oE8="
PRODUCTION = {
    "GATEWAY_ENV": "production", "PUBLIC_URL": "https://pay.example.com", "BEHIND_TLS_PROXY": "true", "PROXY_COUNT": "1",
    "DATABASE_URL": "postgres://gateway@127.0.0.1/gateway", "REDIS_URL": "redis://127.0.0.1:6379/0",
    "DJANGO_SECRET_KEY": SECRET, "GATEWAY_PEPPER": SECRET[::-1], "EMAIL_URL": "dummymail://",
    "GATEWAY_ENCRYPTION_KEYS": FERNET,
}
# Read by programs and files beside settings.py.
ELSEWHERE = {
    "DATA_DIR", "HOST", "WEB_PROCESSES", "WEB_THREADS", "WEB_BODY_SECONDS", "WORKER_PROCESSES", "WATCHER_THREADS", "RPC_BSC",
    "CRYPTO_MNEMONIC", "CRYPTO_MNEMONIC_FILE", "POSTGRES_PASSWORD",
}


@pytest.fixture
def load(monkeypatch, tmp_path):
    """`load(NAME=value)` reads settings.py anew, in production and in a folder of its own; None takes a name away."""
    from gateway.lib import logs

    # A test's settings must not outlive it: the process keeps its own logging, and what it knows of the keys.
    monkeypatch.setattr(logs, "configure", lambda: None)

    def load(**changes):
        for name in [*ELSEWHERE, "CELERY_BROKER_URL", "ALLOWED_HOSTS", "DEBUG", "CRYPTO_NETWORKS"]:
            monkeypatch.delenv(name, raising=False)
        for name, value in (PRODUCTION | {"DATA_DIR": str(tmp_path)} | changes).items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        return runpy.run_path(str(ROOT / "gateway" / "settings.py"))

    return load


def refusals(load, **changes):
    with pytest.raises(ImproperlyConfigured) as refused:
        load(**changes)
    return str(refused.value).splitlines()[1:]


def test_production_starts_with_what_the_guide_asks_for(load):
    settings = load()

    assert (settings["DEMO"], settings["DEBUG"], settings["REQUIRE_SECOND_FACTOR"]) == (False, False, True)
    assert settings["ALLOWED_HOSTS"] == ["pay.example.com", "127.0.0.1", "localhost", "[::1]"]
    assert settings["SESSION_COOKIE_SECURE"] is settings["CSRF_COOKIE_SECURE"] is True


@pytest.mark.parametrize(("changes", "words"), [
    ({"DJANGO_SECRET_KEY": None}, "DJANGO_SECRET_KEY must be set in production"),
    ({"GATEWAY_PEPPER": ""}, "GATEWAY_PEPPER must be set in production"),
    ({"GATEWAY_ENCRYPTION_KEYS": None}, "GATEWAY_ENCRYPTION_KEYS must be set in production"),
    ({"DJANGO_SECRET_KEY": "django-insecure-0123456789abcdefghijklmnopqrstuvwxyz"}, "not an example or a word"),
    ({"GATEWAY_PEPPER": "changeme" * 6}, "not an example or a word"),
    ({"GATEWAY_PEPPER": "a" * 64}, "not an example or a word"),
    ({"GATEWAY_PEPPER": SECRET[:39]}, "40 random characters or more"),
    ({"GATEWAY_PEPPER": SECRET}, "GATEWAY_PEPPER and DJANGO_SECRET_KEY must differ."),
    ({"GATEWAY_ENCRYPTION_KEYS": "abc"}, "GATEWAY_ENCRYPTION_KEYS must hold Fernet keys"),
    ({"GATEWAY_ENCRYPTION_KEYS": f"{FERNET},abc"}, "must hold Fernet keys"),
    ({"DEBUG": "true"}, "DEBUG must be off in production."),
    ({"DATABASE_URL": None}, "DATABASE_URL must be a PostgreSQL database in production, not SQLite"),
    ({"DATABASE_URL": "sqlite:////data/gateway.sqlite3"}, "DATABASE_URL must be a PostgreSQL database"),
    ({"REDIS_URL": None}, "REDIS_URL must be set in production"),
    ({"REDIS_URL": "locmem://"}, "REDIS_URL must be set in production"),
    ({"CELERY_BROKER_URL": "memory://"}, "CELERY_BROKER_URL must be Redis or RabbitMQ"),
    ({"CELERY_BROKER_URL": "filesystem://"}, "CELERY_BROKER_URL must be Redis or RabbitMQ"),
    ({"PUBLIC_URL": None}, "PUBLIC_URL must be set in production"),
    ({"PUBLIC_URL": "http://pay.example.com"}, "PUBLIC_URL must begin with https://"),
    ({"PUBLIC_URL": "https://pay.example.com/gateway"}, "without a path"),
    ({"PUBLIC_URL": "pay.example.com"}, "must be a scheme and a host"),
    ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS must name its hosts"),
    ({"ALLOWED_HOSTS": "pay.example.com,*.example.com"}, "ALLOWED_HOSTS must name its hosts"),
    ({"ALLOWED_HOSTS": "other.example.com"}, "ALLOWED_HOSTS must hold the host of PUBLIC_URL (pay.example.com)."),
    ({"BEHIND_TLS_PROXY": None, "PROXY_COUNT": None}, "BEHIND_TLS_PROXY must be true where PUBLIC_URL is https"),
    ({"PROXY_COUNT": "0"}, "PROXY_COUNT must say how many proxies stand in front"),
    ({"PUBLIC_URL": "http://127.0.0.1:8000", "BEHIND_TLS_PROXY": None}, "BEHIND_TLS_PROXY must be true where PROXY_COUNT"),
    ({"PUBLIC_URL": "http://127.0.0.1", "BEHIND_TLS_PROXY": None, "PROXY_COUNT": "-1"}, "PROXY_COUNT must be a whole number from 0; it is '-1'."),
    ({"EMAIL_URL": None}, "EMAIL_URL must be set in production"),
    ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN must have 16 characters or more."),
    ({"GATEWAY_ENV": "prod"}, "GATEWAY_ENV must be demo or production; it is 'prod'."),
    ({"WEBHOOK_TIMEOUT_SECONDS": "0"}, "WEBHOOK_TIMEOUT_SECONDS must be a number from 0.05; it is '0'."),
    ({"WEBHOOK_TIMEOUT_SECONDS": "nan"}, "WEBHOOK_TIMEOUT_SECONDS must be a number"),
    ({"PORTAL_RATE_MERCHANT": "0"}, "PORTAL_RATE_MERCHANT must be a whole number from 1; it is '0'."),
    ({"SESSION_HOURS": "twelve"}, "SESSION_HOURS must be a whole number from 1; it is 'twelve'."),
    ({"PORT": "80000"}, "PORT must be a whole number from 1"),
    ({"KEEP_EVENTS_DAYS": "1e3"}, "KEEP_EVENTS_DAYS must be a whole number"),
    ({"REQUIRE_SECOND_FACTOR": "perhaps"}, "REQUIRE_SECOND_FACTOR must be true or false; it is 'perhaps'."),
    ({"PUBLIC_CHECKOUT_MODE": "both"}, "PUBLIC_CHECKOUT_MODE must be test or live; it is 'both'."),
    ({"LOG_LEVEL": "LOUD"}, "LOG_LEVEL must be INFO or DEBUG or WARNING or ERROR; it is 'LOUD'."),
    ({"WITHDRAWAL_APPROVE_ABOVE": "much"}, "WITHDRAWAL_APPROVE_ABOVE cannot be read"),
    ({"CRYPTO_INR_RATES": "USDT=88"}, "CRYPTO_INR_RATES cannot be read: it must look like USDT:88.00,USDC:88.00."),
    ({"EXPORT_DIR": "/proc/no/exports"}, "EXPORT_DIR (/proc/no/exports) must be a folder that this process may write."),
    ({"METRICS_DIR": "/dev/null"}, "METRICS_DIR (/dev/null) must be a folder that this process may write."),
], ids=lambda value: "-".join(f"{name}={text}" for name, text in value.items())[:60] if isinstance(value, dict) else "")
def test_one_mistake_is_named_and_nothing_else(load, changes, words):
    (only,) = refusals(load, **changes)

    assert words in only


@pytest.mark.parametrize(("url", "host"), [
    ("https://pay.example.com", ".example.com"), ("https://example.com", ".example.com"), ("https://Example.com", "EXAMPLE.com"),
])
def test_a_host_is_allowed_as_django_allows_it(load, url, host):
    assert load(PUBLIC_URL=url, ALLOWED_HOSTS=host)["ALLOWED_HOSTS"] == [host]


def test_all_mistakes_are_named_at_once(load):
    named = [line.split()[1] for line in refusals(load, PORT="x", DJANGO_SECRET_KEY=None, REDIS_URL=None, ALLOWED_HOSTS="*")]

    assert named == ["PORT", "DJANGO_SECRET_KEY", "REDIS_URL", "ALLOWED_HOSTS"]


def test_a_data_folder_that_cannot_be_made_is_named(load):
    with pytest.raises(ImproperlyConfigured, match=r"DATA_DIR \(/proc/no\) cannot be made"):
        load(DATA_DIR="/proc/no")


def test_plain_http_and_no_proxy_are_for_this_machine(load):
    settings = load(PUBLIC_URL="http://localhost:8000", BEHIND_TLS_PROXY=None, PROXY_COUNT=None)

    assert (settings["SECURE_SSL_REDIRECT"], settings["SESSION_COOKIE_SECURE"]) == (False, False)


def test_secrets_come_from_files_without_their_last_line_end(load, tmp_path):
    for name, text in {"key": f"{SECRET}\n", "password": "s3cret\n"}.items():
        (tmp_path / name).write_text(text)

    settings = load(
        DJANGO_SECRET_KEY=None, DJANGO_SECRET_KEY_FILE=str(tmp_path / "key"),
        DATABASE_PASSWORD_FILE=str(tmp_path / "password"),
    )

    assert settings["SECRET_KEY"] == SECRET
    assert settings["DATABASES"]["default"]["PASSWORD"] == "s3cret"


def test_a_secret_file_that_is_not_there_is_named(load):
    with pytest.raises(ImproperlyConfigured, match="GATEWAY_PEPPER_FILE cannot be read: No such file"):
        load(GATEWAY_PEPPER=None, GATEWAY_PEPPER_FILE="/run/secrets/none")


NETWORK = {
    "connect_timeout": 2, "tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
}
SESSION = (
    "-c statement_timeout=30000 -c timezone=UTC -c idle_in_transaction_session_timeout=60000 -c jit=off "
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"
)
TLS = "postgres://gateway@db1:5432,db2:5433/gateway?sslmode=verify-full&target_session_attrs=read-write"


@pytest.mark.parametrize(("pooled", "ours"), [
    ("false", {"options": SESSION, "prepare_threshold": 2}),
    ("true", {"prepare_threshold": None}),
])
def test_what_the_address_of_the_database_asks_for_is_kept(load, pooled, ours):
    database = load(DATABASE_URL=TLS, DATABASE_POOLED=pooled)["DATABASES"]["default"]

    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db1,db2", "5432,5433", "gateway")
    asked = {"sslmode": "verify-full", "target_session_attrs": "read-write"}
    assert database["OPTIONS"] == NETWORK | ours | asked


def test_behind_a_pooler_nothing_is_kept_in_a_session(load):
    database = load(DATABASE_POOLED="true")["DATABASES"]["default"]

    assert database["OPTIONS"] == NETWORK | {"prepare_threshold": None}
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True


def test_a_command_says_it_without_a_traceback(tmp_path):
    environment = {"PATH": os.environ["PATH"], "GATEWAY_ENV": "production", "DATA_DIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert done.stderr.startswith("These settings must be mended (.env.example):\n- DJANGO_SECRET_KEY must be set")
    assert "Traceback" not in done.stderr


def test_the_example_lists_every_setting_and_no_other():
    read = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', (ROOT / "gateway" / "settings.py").read_text()))
    listed = set(re.findall(r"^#?([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text(), re.M))

    assert sorted(read - listed) == []
    assert sorted(listed - read - ELSEWHERE) == []


def test_a_line_of_the_example_is_a_name_and_a_value():
    """Not every reader of such files takes a comment behind a value for a comment."""
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"#?[A-Z][A-Z_]+=", line)]

    assert [line for line in lines if " #" in line] == []
