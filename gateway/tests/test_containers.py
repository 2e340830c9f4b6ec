"""Dockerfile and compose.yaml, as far as they can be checked without an engine; tests/test_compose.py runs what they say,
in processes or (`tests/contained.py`) in containers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gateway import run

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILE = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}


def test_hadolint_finds_nothing():
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    done = subprocess.run([hadolint, "--no-color", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert (done.stdout, done.returncode) == ("", 0)


def test_the_image_has_two_stages_no_root_no_secret_and_asks_for_its_health():
    last = DOCKERFILE.rpartition("\nFROM ")[2]

    assert len(re.findall(r"^FROM ", DOCKERFILE, re.M)) == 2
    assert re.findall(r"^USER (.*)$", last, re.M) == ["10001:10001"]
    assert "gateway.liveness" in last.partition("HEALTHCHECK")[2]
    assert not re.search(r"^(ENV|ARG) .*(SECRET|PEPPER|KEYS|PASSWORD|MNEMONIC|TOKEN)", DOCKERFILE, re.M)
    assert ":latest" not in DOCKERFILE


def test_nothing_private_gets_into_the_image():
    rules = (ROOT / ".dockerignore").read_text().split()

    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == [
        "Procfile", "accounts", "crypto", "gateway", "ledger", "manage.py", "payments", "payouts",
        "requirements-observability.txt", "requirements.txt", "static", "templates", "webhooks",
    ]
    assert {"**/tests", "**/conftest.py"} < set(rules)


def test_each_line_of_the_procfile_is_a_service():
    lines = [service.name for service in run.services((ROOT / "Procfile").read_text())]

    assert list(OURS) == ["migrate", *lines]
    assert {name: SERVICES[name]["command"] for name in lines} == {
        name: ["python", "-m", "gateway.run", name] for name in lines
    }


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_has_limits_a_version_a_health_check_and_starts_again(name):
    service = SERVICES[name]

    assert service["mem_limit"]
    assert service["cpus"]
    assert re.fullmatch(r"[a-z]+:.+", service["image"])
    assert not service["image"].endswith(":latest")
    if name == "migrate":
        assert (service["restart"], service["healthcheck"]) == ("no", {"disable": True})
    else:
        assert (service["restart"], service["healthcheck"]["test"][0]) == ("unless-stopped", "CMD")


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "db"])
def test_each_service_is_hardened(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.parametrize("name", [name for name in OURS if name != "migrate"])
def test_a_service_waits_for_what_it_needs(name):
    assert {what: how["condition"] for what, how in OURS[name]["depends_on"].items()} == {
        "db": "service_healthy", "redis": "service_healthy", "migrate": "service_completed_successfully",
    }


def test_the_database_is_well_only_where_the_others_reach_it():
    """While a new folder is filled, a server that listens on its socket alone answers there, and goes away again."""
    assert SERVICES["db"]["healthcheck"]["test"] == ["CMD", "pg_isready", "-h", "127.0.0.1", "-U", "gateway"]


def test_the_guides_restore_can_be_pasted_whole():
    """Each step waits for the one before: started after a restore that failed, `migrate` fills the empty database, and
    no restore is possible any more."""
    guide = (ROOT / "docs" / "operations.md").read_text()
    (block,) = (text for text in re.findall(r"^```console\n(.*?)^```$", guide, re.M | re.S) if "manage.py restore" in text)
    _, *steps = block.strip().splitlines()

    assert steps[0] == "docker compose up -d --wait db &&"
    assert "manage.py restore" in steps[1]
    assert steps[1].endswith(" &&")
    assert steps[2:] == ["docker compose up -d"]


def test_the_database_counts_what_the_runbook_asks_it_for():
    assert "pg_stat_statements" in (ROOT / "docs" / "operations.md").read_text()
    assert SERVICES["db"]["command"] == ["postgres", "-c", "shared_preload_libraries=pg_stat_statements"]


def test_secrets_are_files_and_only_the_signer_sees_the_words():
    for name, service in OURS.items():
        files = {key: value for key, value in service["environment"].items() if key.endswith("_FILE")}
        granted = {f"/run/secrets/{secret}" for secret in service["secrets"]}
        words = files.pop("CRYPTO_MNEMONIC_FILE", "")
        assert set(files.values()) == granted, name
        assert set(service["secrets"]) == set(COMPOSE["secrets"])
        assert bool(words) == any("signer" in volume for volume in service["volumes"]) == (name == "signer")


def test_nothing_but_the_proxy_listens_beyond_this_machine():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}

    assert ports.pop("proxy") == ["80:80", "443:443"]
    assert ports == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}


def test_redis_writes_everything_down_and_drops_nothing():
    command = SERVICES["redis"]["command"]

    assert command[command.index("--appendonly") + 1] == "yes"
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_stores_may_be_elsewhere_where_the_env_file_says_so():
    """What `environment` says outright, no `.env` can change: a standby or a pooler would silently not be used."""
    said = {name: OURS["web"]["environment"][name] for name in ("DATABASE_URL", "REDIS_URL")}

    assert said == {
        "DATABASE_URL": "${DATABASE_URL:-postgres://gateway@db:5432/gateway}",
        "REDIS_URL": "${REDIS_URL:-redis://redis:6379/0}",
    }


def test_the_image_s_user_has_a_group_of_that_number():
    """Without an entry every worker says at its start that this may be a security issue."""
    assert "groupadd --gid 10001 gateway && useradd --no-create-home --uid 10001 --gid 10001 gateway" in DOCKERFILE
