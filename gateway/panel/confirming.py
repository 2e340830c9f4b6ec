"""One step that changes something: a dialog (or page) that names what is about to happen, and the POST that does it.

Most steps can happen only once by their record's state. For those that could happen again (a refund of a part) the
form carries a token, and `only_once` takes each token once, however often the button is pressed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog
from django import forms
from django.core.cache import cache
from django.http import HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from gateway.lib.errors import GatewayError
from gateway.lib.ids import random_text
from gateway.panel.access import PanelRequest
from gateway.panel.forms import PanelForm, carry_out
from gateway.panel.rendering import dialog, done

log = structlog.get_logger(__name__)
_KEEP_TOKENS = 24 * 3600
_UNDER_WAY, _DONE = 1, 2


class AlreadySent(GatewayError):
    code = "already_sent"
    message = "This form was sent already, and it took effect once. Close it to see what happened."


class PerhapsSent(GatewayError):
    """It is under way in another request, or broke off there."""

    code = "perhaps_sent"
    message = (
        "This form was sent already, and whether it took effect is not known here. Close it and look before you "
        "send a new one."
    )


class CannotTell(GatewayError):
    code = "service_unavailable"
    message = "A form cannot be told from its copies for a moment, so nothing was done. Try again shortly."


class OnceForm(PanelForm):
    """A form that `only_once` can tell from its own copies."""

    once = forms.CharField(max_length=24, initial=lambda: random_text(24), widget=forms.HiddenInput)


@contextmanager
def only_once(token: str) -> Iterator[None]:
    """Does the work for the first who brings `token`; a refusal gives the token back.

    For everybody after: `AlreadySent`; `PerhapsSent` while the first is at it, and for good if it broke off there.
    `CannotTell` without the shared cache, and nothing was done.
    """
    key = f"panel-once:{token}"
    if not _take(key):
        raise AlreadySent() if _asked(lambda: cache.get(key)) == _DONE else PerhapsSent()
    try:
        yield
    except GatewayError:
        with suppress(CannotTell):
            _asked(lambda: cache.delete(key))
        raise
    with suppress(CannotTell):  # what was done stays done
        _asked(lambda: cache.set(key, _DONE, _KEEP_TOKENS))


def _take(key: str) -> bool:
    return bool(_asked(lambda: cache.add(key, _UNDER_WAY, _KEEP_TOKENS)))


def _asked(ask: Callable[[], object]) -> object:
    try:
        return ask()
    except Exception as error:  # whatever a cache can raise
        log.warning("panel_once_down", error=type(error).__name__)
        raise CannotTell() from error


@dataclass(frozen=True, slots=True)
class Step:
    """What the dialog says. `facts` are (label, value) pairs; `back` is where Cancel leads without script."""

    title: str
    text: str
    action: str
    back: str
    facts: list[tuple[str, object]] = field(default_factory=list)
    danger: bool = False


def confirm(
    request: PanelRequest, step: Step, act: Callable[[dict[str, Any]], object], *,
    form: type[forms.Form] = PanelForm, message: str | Callable[[dict[str, Any]], str],
    initial: dict[str, Any] | None = None, to: str = "",
) -> HttpResponse:
    """GET shows `step` with `form`; POST runs `act(cleaned_data)` and goes to `to` (default: `step.back`).

    `message`, or what it makes of the data, is shown there. A refusal of the domain is shown in the dialog, beside its
    field where it names one. Opened with `?next=`, it goes on there.
    """
    bound = form(request.POST if request.method == "POST" else None, initial=initial)
    origin = came_from(request)
    if request.method == "POST" and bound.is_valid():
        carry_out(bound, lambda: act(bound.cleaned_data))
        if bound.is_valid():
            said = message if isinstance(message, str) else message(bound.cleaned_data)
            return done(request, origin or to or step.back, said)
    context = {"step": step, "form": bound, "title": step.title, "back": origin or step.back}
    return dialog(request, "panel/confirm.html", context, bad=bound.is_bound)


class PlainNoteForm(PanelForm):
    note = forms.CharField(max_length=200, widget=forms.Textarea(attrs={"rows": 3}))


class NoteForm(PanelForm):
    note = forms.CharField(
        max_length=200, widget=forms.Textarea(attrs={"rows": 3}), help_text="What you found, and what was done."
    )


def confirm_looked_at(
    request: PanelRequest, clear: Callable[[str], object], *, text: str, back: str, facts: list[tuple[str, object]],
    what: str,
) -> HttpResponse:
    """Somebody has dealt with what was odd (`text`) about a record, and says how; `clear` keeps the note."""
    title, action = "Has this been dealt with?", "It has been dealt with"
    return confirm(
        request, Step(title, text, action, back, facts), lambda data: clear(data["note"]), form=NoteForm,
        message=f"Your note is kept with the {what}.",
    )


def came_from(request: PanelRequest) -> str:
    """The list that the step was opened from (`?next=`), to go on there; never another site."""
    wanted = request.GET.get("next", "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else ""
