"""For the browser doors: a real chromium against a real server, with its console held silent.

Without a browser these tests fail; `BROWSER_TESTS=0` leaves them out on purpose.
"""

from __future__ import annotations

import os
import shutil

import pytest

# For a machine that is busy with other things; a test that passes does not wait.
PATIENCE_MS = 30_000
CHROMIUM = os.environ.get("CHROMIUM", "") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture(scope="module")
def chromium_browser():
    """Not for longer than a module: its event loop runs in this thread, and others want one of their own."""
    if os.environ.get("BROWSER_TESTS") == "0":
        pytest.skip("BROWSER_TESTS=0")
    if not CHROMIUM:
        pytest.fail("No chromium on this machine. Install it, set CHROMIUM to its path, or set BROWSER_TESTS=0.")
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE_MS)

    # Django would refuse the database in a thread with an event loop.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium_browser, live_server, settings):
    """`browse(user)` is a page of a fresh browser where `user` (or nobody) is signed in.

    Every message on its console, every error of a script and every request to another host is a failure; but
    `tolerates` names what a script's own call may be refused with ("status of 409"), or that it gets no answer.
    """
    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = settings.STORAGES | {"staticfiles": plain}
    settings.PUBLIC_URL = live_server.url
    contexts, said = [], []

    def make(user=None, *, mode="test", width=1440, height=900, tolerates=(), **more):
        context = chromium_browser.new_context(
            viewport={"width": width, "height": height}, base_url=live_server.url, timezone_id="Asia/Kolkata", **more
        )
        contexts.append(context)
        if user is not None:
            context.add_cookies([_session(user, mode, live_server.url)])
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        fine = ("status of 422", *tolerates)  # Chromium notes every form that comes back with errors
        page.on("console", lambda word: _is_any_of(fine, word.text) or said.append(f"{word.text} at {page.url}"))
        page.on("pageerror", lambda error: said.append(f"{error} at {page.url}"))
        page.on("request", lambda request: _is_ours(request.url, live_server.url) or said.append(request.url))
        return page

    yield make
    for context in contexts:
        context.close()
    assert said == []


def _session(user, mode, url):
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(user, backend="accounts.backends.PanelBackend")
    session = client.session
    session["mode"] = mode
    session.save()
    name = settings.SESSION_COOKIE_NAME
    return {"name": name, "value": client.cookies[name].value, "url": url}


def _is_any_of(texts, said):
    return any(text in said for text in texts)


def _is_ours(url, base):
    return url.startswith((base, "data:"))
