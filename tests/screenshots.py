"""`make screenshots`: every page of a filled demo, as each role, light, dark and on a phone, into `var/screenshots`.

It follows the links of the panel from the overview, one example of each address, and says what a designer or a tester
would want to know: pages that are wider than a phone, that wrote to the console, that answered with an error, or that
asked another host for something.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Page, sync_playwright

from tests.filling import fill
from tests.story import ROOT, Gateway

OUT = Path(os.environ.get("SCREENSHOTS", ROOT / "var" / "screenshots"))
ROLES = ("super_admin", "admin", "merchant", "api_user")
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light", "device_scale_factor": 2},
}


def main() -> int:
    roles = sys.argv[1:] or list(ROLES)
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    with tempfile.TemporaryDirectory(prefix="gateway-screens-") as folder:
        gateway = Gateway(Path(folder))
        gateway.manage("collectstatic", "--noinput", "--verbosity", "0")
        gateway.start()
        try:
            pages = fill(gateway)
            problems = _take_all(gateway, roles, pages)
        finally:
            gateway.stop()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT.relative_to(ROOT) if OUT.is_relative_to(ROOT) else OUT}")
    print("\n".join(problems) or "Nothing to complain about.")
    return 1 if problems else 0


def _take_all(gateway: Gateway, roles: list[str], pages: list[str]) -> list[str]:
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
                if role == "nobody":
                    for path in ["/panel/sign-in", "/panel/password/lost", *pages]:
                        _take(page, path, f"nobody-{_name(path)}-{look}", look, problems)
                else:
                    _sign_in(page, gateway.cast["users"][role])
                    _walk(page, role, look, problems)
                context.close()
        browser.close()
    return problems


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


def _walk(page: Page, role: str, look: str, problems: list[str]) -> None:
    """Breadth first over the panel's links, one example of each kind of address."""
    seen, waiting = set(), ["/panel/"]
    while waiting:
        path = waiting.pop(0)
        name = _name(path)
        if name in seen:
            continue
        seen.add(name)
        if not _take(page, path, f"{role}-{name}-{look}", look, problems):
            continue
        links = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
        waiting += [urlsplit(link).path for link in links if urlsplit(link).path.startswith("/panel")
                    and not urlsplit(link).path.endswith((".csv", ".xlsx", ".pdf"))]


def _name(path: str) -> str:
    """`/panel/payments/pay_8Zc…/refund` → `panel-payments-ID-refund`."""
    parts = [part for part in path.strip("/").split("/") if part]
    known = [part if part.replace("-", "").isalpha() and len(part) < 24 else "ID" for part in parts]
    return "-".join(known) or "front"


def _take(page: Page, path: str, name: str, look: str, problems: list[str]) -> bool:
    answer = page.goto(path)
    if answer is None or answer.status >= 400:
        return False
    page.screenshot(path=OUT / f"{name}.png", full_page=True)
    if look == "phone" and (wide := page.evaluate("document.documentElement.scrollWidth")) > 390:
        problems.append(f"{name}: {wide} px wide on a phone")
    return True


if __name__ == "__main__":
    sys.exit(main())
