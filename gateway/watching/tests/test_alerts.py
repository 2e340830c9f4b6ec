"""The alert rules and the dashboard of `ops/`: they ask for figures that exist, all figures are looked at, each has a runbook."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from django.utils import timezone
from prometheus_client import REGISTRY

from gateway.lib import meters
from gateway.watching.figures import Figures
from ledger.models import Verification

ROOT = Path(__file__).resolve().parents[3]
RULES = [rule for group in yaml.safe_load((ROOT / "ops" / "alerts.yml").read_text())["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "ops" / "grafana.json").read_text())
EXPRESSIONS = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def used(expressions):
    return {re.sub(r"_(bucket|count|sum)$", "", name) for text in expressions for name in re.findall(r"\bgateway_\w+", text)}


@pytest.fixture
def offered(db):
    """The names as Prometheus stores them: of what is counted, and of what the database knows."""
    assert meters._REQUESTS._name == "gateway_requests"
    counted = {family.name + ("_total" if family.type == "counter" else "")
               for family in REGISTRY.collect() if family.name.startswith("gateway_")}
    Verification.objects.create(started_at=timezone.now(), ended_at=timezone.now(), problems=0)
    return counted | {family.name for family in Figures().collect()}


def test_every_figure_asked_for_exists(offered):
    assert used(rule["expr"] for rule in RULES) - offered == set()
    assert used(EXPRESSIONS) - offered == set()


def test_every_figure_is_shown_and_every_figure_is_alerted(offered):
    assert offered - used(EXPRESSIONS) == set()
    assert offered - used(rule["expr"] for rule in RULES) == set()


def test_every_alert_has_its_page_in_the_runbook():
    text = (ROOT / "docs" / "operations.md").read_text()
    headings = {"#" + re.sub(r"[^a-z0-9 -]", "", line.lower()).strip().replace(" ", "-")
                for line in re.findall(r"^#+ (.*)$", text, re.M)}

    assert {rule["annotations"]["runbook"] for rule in RULES} - headings == set()
    assert {rule["labels"]["severity"] for rule in RULES} == {"page", "ticket"}


def test_every_alert_is_named_on_its_page():
    pages = re.split(r"^#+ ", (ROOT / "docs" / "operations.md").read_text(), flags=re.M)
    texts = {"#" + page.partition("\n")[0].lower().replace(" ", "-"): page for page in pages}

    silent = [r["alert"] for r in RULES if f"`{r['alert']}`" not in texts[r["annotations"]["runbook"]]]
    assert silent == []


def test_panels_do_not_overlap_and_have_ids_of_their_own():
    panels = DASHBOARD["panels"]
    cells = [(x, y) for panel in panels for place in [panel["gridPos"]]
             for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])]

    assert len(cells) == len(set(cells))
    assert len({panel["id"] for panel in panels}) == len(panels)


@pytest.mark.skipif(not shutil.which("promtool"), reason="promtool (Debian's package prometheus) is not on this machine")
@pytest.mark.parametrize("command", [("check", "rules", "alerts.yml"), ("test", "rules", "alerts_test.yml")])
def test_promtool_agrees(command):
    done = subprocess.run(["promtool", *command], cwd=ROOT / "ops", capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
