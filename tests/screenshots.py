"""`make screenshots`: every page of a filled demo, as each role, light, dark and on a phone, into `var/screenshots`.

`make screenshots` takes all; `python -m tests.screenshots merchant withdraw` those of one role whose name has a word.
It says what a designer or a tester would want to know: pages that are wider than a phone, that wrote to the console,
that answered with an error, or that asked another host for something.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.filling import SETTINGS
from tests.story import ROOT, Gateway

OUT = Path(os.environ.get("SCREENSHOTS", ROOT / "var" / "screenshots"))
ROLES = ("super_admin", "admin", "merchant", "api_user")
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}


def main() -> int:
    roles = [word for word in sys.argv[1:] if word in ROLES] or list(ROLES)
    words = [word for word in sys.argv[1:] if word not in ROLES]
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="gateway-screens-") as folder:
        gateway = Gateway(Path(folder), **{name: str(value) for name, value in SETTINGS.items()})
        gateway.manage("collectstatic", "--noinput", "--verbosity", "0")
        gateway.start(after=_fill)
        try:
            problems = _take_all(gateway, roles, words)
        finally:
            gateway.stop()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(ROOT) if OUT.is_relative_to(ROOT) else OUT}")
    print("\n".join(problems) or "Nothing to complain about.")
    return 1 if problems else 0


def _fill(gateway: Gateway) -> None:
    """Before the processes start, so that what is open stays open."""
    environment = gateway.environment | {"DJANGO_SETTINGS_MODULE": "gateway.settings"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.filling"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    gateway.pages = json.loads(done.stdout.splitlines()[-1])


def _take_all(gateway: Gateway, roles: list[str], words: list[str]) -> list[str]:
    problems: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
        )
        for look, options in LOOKS.items():
            for role in ["nobody", *roles]:
                context = browser.new_context(base_url=gateway.base, timezone_id="Asia/Kolkata", **options)
                page = context.new_page()
                _listen(page, gateway.base, f"{role} {look}", problems)
                _take_those_of(page, gateway, role, look, words, problems)
                context.close()
        browser.close()
    return problems


def _take_those_of(page: Page, gateway: Gateway, role: str, look: str, words: list[str], problems: list[str]) -> None:
    if role == "nobody":
        wanted = [(name.replace(" ", "-"), path, "") for name, path in gateway.pages["hosted"].items() if name != "missing"]
    else:
        wanted = [(one["name"], one["path"], one["mode"]) for one in gateway.pages["panel"] if one["role"] == role]
        _sign_in(page, gateway.cast["users"][role])
    mode = "test"
    for name, path, where in sorted(wanted, key=lambda one: one[2], reverse=True):
        if words and not any(word in name for word in words):
            continue
        if where == "live" != mode:
            _go_live(page)
            mode = where
        _take(page, path, f"{role}-{name}-{look}", look, problems)


def _go_live(page: Page) -> None:
    page.goto("/panel/mode/live")
    page.get_by_role("button", name="Switch to live").click()
    page.wait_for_url("**/panel/")


def _listen(page: Page, base: str, who: str, problems: list[str]) -> None:
    page.on("console", lambda said: problems.append(f"{who} {page.url}: console: {said.text}"))
    page.on("pageerror", lambda error: problems.append(f"{who} {page.url}: script: {error}"))
    page.on("request", lambda sent: sent.url.startswith((base, "data:")) or problems.append(f"{who}: asks {sent.url}"))
    page.on("response", lambda got: got.status < 400 or problems.append(f"{who}: {got.status} {got.url}"))


def _sign_in(page: Page, user: dict) -> None:
    page.goto("/panel/sign-in")
    page.get_by_label("E-mail address").fill(user["email"])
    page.get_by_label("Password").fill(user["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/panel/")


def _take(page: Page, path: str, name: str, look: str, problems: list[str]) -> None:
    page.goto(path)
    page.screenshot(path=OUT / f"{name}.png", full_page=True)
    if look == "phone" and (wide := page.evaluate("document.documentElement.scrollWidth")) > 390:
        problems.append(f"{name}: {wide} px wide on a phone")


if __name__ == "__main__":
    sys.exit(main())
