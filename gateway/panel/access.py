"""Who may open which page. Every view of the panel is made by `page` (or, signed out, by `public`), and a test walks
the addresses to see that none is left out.

A page that a role may never see, and a record that is not the user's to see, answer 404: neither shows that it
exists. Everything that a view shows comes through `request.viewer`, everything it does through `request.actor`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Concatenate, ParamSpec
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect
from django_htmx.middleware import HtmxDetails

from accounts.actors import Actor, Viewer
from accounts.models import Role, User
from accounts.second_factor import has_second_factor, must_have_second_factor
from gateway.lib.errors import GatewayError, NotAllowed, NotFound
from gateway.lib.modes import Mode
from gateway.panel import errors
from gateway.panel.proof import is_fresh, note_seen
from gateway.panel.zones import zone_of

P = ParamSpec("P")
Door = Callable[Concatenate[HttpRequest, P], HttpResponse]

EVERYONE: tuple[str, ...] = tuple(Role.values)
OPERATORS: tuple[str, ...] = (Role.SUPER_ADMIN, Role.ADMIN)
SUPER_ADMINS: tuple[str, ...] = (Role.SUPER_ADMIN,)
MERCHANTS: tuple[str, ...] = (Role.MERCHANT,)
MERCHANT_SIDE: tuple[str, ...] = (Role.MERCHANT, Role.API_USER)
READ: tuple[str, ...] = ("GET", "HEAD")
FORM: tuple[str, ...] = ("GET", "HEAD", "POST")
POST: tuple[str, ...] = ("POST",)


class PanelRequest(HttpRequest):
    """A request that `page` has let through."""

    user: User
    htmx: HtmxDetails
    viewer: Viewer
    actor: Actor


View = Callable[Concatenate[PanelRequest, P], HttpResponse]


Keep = Callable[..., str]  # of the request and the view's own arguments


def page(
    roles: tuple[str, ...], methods: tuple[str, ...] = READ, *, proof: bool = False, keep: Keep | None = None
) -> Callable[[View[P]], Door[P]]:
    """Makes a view of a page that users of `roles` may open with `methods`; with `proof`, after a fresh one of who
    they are (see `proof.py`). `keep` puts away what was sent with a stale one, and says where to go on.

    Not signed in: to the sign-in page and back. Another role: 404. `NotFound` and `NotAllowed` from the domain are
    404s as well; any other refusal that the view did not show beside a field becomes a page that says it.
    """

    def make(view: View[P]) -> Door[P]:
        @wraps(view)
        def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if not isinstance(request.user, User):
                return _to_sign_in(request)
            if request.user.role not in roles or _is_malformed(kwargs.values()):
                raise Http404
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            note_seen(request, request.user)
            if _lacks_second_factor(request, request.user):
                return _go(request, reverse("panel:security-set-up"))
            if proof and not is_fresh(request):
                way_back = keep(_admit(request, request.user), *args, **kwargs) if keep else ""
                return ask_for_proof(request, methods, way_back)
            return _answer(view, _admit(request, request.user), *args, **kwargs)

        door.panel_roles = roles  # type: ignore[attr-defined]
        door.panel_methods = methods  # type: ignore[attr-defined]
        door.panel_proof = proof  # type: ignore[attr-defined]
        return door

    return make


def public(methods: tuple[str, ...] = READ) -> Callable[[Door[P]], Door[P]]:
    """Makes a view of a page that needs no sign-in."""

    def make(view: Door[P]) -> Door[P]:
        @wraps(view)
        def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            if request.method not in methods:
                return HttpResponseNotAllowed(methods)
            return view(request, *args, **kwargs)

        door.panel_public = True  # type: ignore[attr-defined]
        return door

    return make


# Where somebody without the authenticator that the role needs may still go.
_BEFORE_SECOND_FACTOR = ("security-set-up", "prove")


def _lacks_second_factor(request: HttpRequest, user: User) -> bool:
    name = request.resolver_match.url_name if request.resolver_match else ""
    if name in _BEFORE_SECOND_FACTOR or not must_have_second_factor(user):
        return False
    return not has_second_factor(user)


def ask_for_proof(request: HttpRequest, methods: tuple[str, ...] = FORM, way_back: str = "") -> HttpResponse:
    """To the page that asks who is there, and back."""
    return _go(request, f"{reverse('panel:prove')}?{urlencode({'next': way_back or _way_back(request, methods)})}")


def _go(request: HttpRequest, href: str) -> HttpResponse:
    return HttpResponseClientRedirect(href) if request.headers.get("HX-Request") else HttpResponseRedirect(href)


def _way_back(request: HttpRequest, methods: tuple[str, ...]) -> str:
    """Where to go on after a proof: the page itself, or the one from which a dialog or a button was pressed."""
    if request.headers.get("HX-Request"):
        return _path_of(request.headers.get("HX-Current-URL", ""))
    if "GET" not in methods:
        return _path_of(request.headers.get("Referer", ""))
    return request.get_full_path() if request.method == "GET" else request.path


def _path_of(address: str) -> str:
    """Of what a browser says that it shows; empty, which leads to the overview, for what is no address."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _is_malformed(parts: Iterable[object]) -> bool:
    """PostgreSQL takes no text with a NUL, and no record is named so."""
    return any("\0" in part for part in parts if isinstance(part, str))


def mode_of(request: HttpRequest) -> str:
    """The session's mode; anything but a known one is test."""
    kept = request.session.get("mode")
    return kept if kept in Mode.values else Mode.TEST.value


def _admit(request: HttpRequest, user: User) -> PanelRequest:
    admitted: PanelRequest = request  # type: ignore[assignment]
    admitted.viewer = Viewer(user, mode_of(request))
    admitted.actor = Actor(user, "panel")
    return admitted


def _answer(view: View[P], request: PanelRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
    try:
        with timezone.override(zone_of(request)):
            return view(request, *args, **kwargs)
    except (NotFound, NotAllowed) as error:
        raise Http404 from error
    except GatewayError as error:
        return errors.refused(request, error)


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponseClientRedirect(reverse("panel:sign-in"))
    back = request.get_full_path() if request.method == "GET" else reverse("panel:overview")
    return redirect_to_login(back, reverse("panel:sign-in"))
