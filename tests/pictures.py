"""`make pictures`: the few pictures of README.md, of a filled demo, into docs/images; each small, in few colours."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.filling import fill
from tests.screenshots import _sign_in
from tests.story import ROOT, Gateway, wait_for

OUT = ROOT / "docs" / "images"
MOST_BYTES = 100_000
# name, who looks at what, width, height, light or dark
PANEL = (
    ("overview", "super_admin", "/panel/", 1280, 800, "light"),
    ("queue", "super_admin", "/panel/queue", 1280, 800, "dark"),
    ("reference", "merchant", "/panel/reference/portal", 1280, 800, "light"),
)


def main() -> int:
    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="gateway-pictures-") as folder:
        gateway = Gateway(Path(folder))
        gateway.manage("collectstatic", "--noinput", "--verbosity", "0")
        gateway.start()
        try:
            fill(gateway)
            _trade(gateway)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM") or shutil.which("chromium"), args=["--no-sandbox"]
                )
                _take_all(browser, gateway)
                browser.close()
        finally:
            gateway.stop()
    large = [file.name for file in OUT.glob("*.png") if file.stat().st_size > MOST_BYTES]
    print(f"{len(list(OUT.glob('*.png')))} pictures in docs/images" + (f"; too large: {large}" if large else ""))
    return 1 if large else 0


def _trade(gateway: Gateway) -> None:
    """A morning's payments, most of them good."""
    for number in range(24):
        body = {"amount": 249 + 137 * number, "order_id": f"ORDER-{2000 + number}", "payer": "Jane Smith"}
        url = gateway.api("merchant", "POST", "/payments", body).json["data"]["payment_url"]
        browser = gateway.browser()
        browser.post(url, browser.get(url), vpa="failure@upi" if number % 12 == 5 else "success@upi")
    wait_for(lambda: gateway.api("merchant", "GET", "/payments?status=completed").json["pagination"]["total_items"] >= 20, every=1)


def _take_all(browser, gateway: Gateway) -> None:
    for name, role, path, width, height, scheme in PANEL:
        page = _page(browser, gateway, width, height, scheme)
        _sign_in(page, gateway.cast["users"][role])
        page.goto(path)
        _keep(page, name)
    made = gateway.api("merchant", "POST", "/payments", {"amount": 1499, "order_id": "ORDER-2100", "payer": "Jane Smith"})
    page = _page(browser, gateway, 420, 800, "light")
    page.goto(made.json["data"]["payment_url"])
    _keep(page, "checkout")


def _page(browser, gateway: Gateway, width: int, height: int, scheme: str) -> Page:
    context = browser.new_context(
        base_url=gateway.base, timezone_id="Asia/Kolkata", viewport={"width": width, "height": height}, color_scheme=scheme
    )
    return context.new_page()


def _keep(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(128, dither=Image.Dither.NONE).save(OUT / f"{name}.png", optimize=True)


if __name__ == "__main__":
    sys.exit(main())
