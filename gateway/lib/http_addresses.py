"""Where an outbound request may go: the grammar of its URL, and which network addresses count as public.

Python's own `is_global` is not asked: it takes NAT64, 6to4, IPv4-compatible and multicast addresses for
public. Here IPv4 is everything outside `_PRIVATE_V4`, and IPv6 is 2000::/3 without `_PRIVATE_V6`; what merely
embeds an IPv4 address (mapped, compatible, translated, tunnelled) is refused whatever it embeds.
"""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as LookupTimeout
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_PRIVATE_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata service
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host services, on a public address
        "169.254.0.0/16",  # link-local; metadata services
        "172.16.0.0/12",
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnelling
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_PRIVATE_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_LOOPBACK_V4 = IPv4Network("127.0.0.0/8")
_LOOPBACK_V6 = IPv6Address("::1")

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]{1,253})"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>/[A-Za-z0-9._~:/\[\]@!$&'()*+,;=%-]*)?"
    r"(?P<query>\?[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]*)?",
    re.ASCII | re.IGNORECASE,
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*", re.ASCII)
MAX_URL_LENGTH = 2000
NOT_PUBLIC = "address is not public"


class OutboundError(Exception):
    """An outbound request that brought no answer; its text is a few words that a merchant may read."""


class NotSent(OutboundError):
    """Nothing of the request reached the other side."""


class NoAnswer(OutboundError):
    """The request may have arrived, but no usable answer came back."""


class UrlRefused(NotSent, ValueError):
    """The URL, or an address behind its name, is not one that the gateway sends to."""


@dataclass(frozen=True, slots=True)
class Target:
    """The parts of a URL that passed the grammar, exactly as written; `host` has no brackets."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


@lru_cache(maxsize=1000)
def check_url(url: str, *, allow_loopback: bool) -> Target:
    """Raises `UrlRefused` unless `url` is http(s), plainly written, and no literal of a non-public address.

    Names are not resolved here: `check_destination` does that when an address is saved, and the client again,
    each time it connects.
    """
    target = _parse(url)
    literal = _literal(target.host)
    if literal is not None and not may_reach(literal, allow_loopback=allow_loopback):
        raise UrlRefused(NOT_PUBLIC)
    return target


def check_destination(url: str, *, allow_loopback: bool, seconds: float = 2.0) -> None:
    """`check_url`, and no address behind the name may be other than public.

    A name that does not resolve within `seconds` passes: nothing can be sent to it, and it is looked at again
    at every request.
    """
    target = check_url(url, allow_loopback=allow_loopback)
    try:
        found = look_up(target.host, target.port).result(timeout=seconds)
    except (OSError, LookupTimeout):
        return
    check_addresses(found, allow_loopback=allow_loopback)


def check_addresses(addresses: list[str], *, allow_loopback: bool) -> None:
    """Raises `UrlRefused` if any of a name's `addresses` may not be reached: one condemns the name."""
    if not all(may_reach(address, allow_loopback=allow_loopback) for address in addresses):
        raise UrlRefused(NOT_PUBLIC)


def may_reach(address: str | IPv4Address | IPv6Address, *, allow_loopback: bool) -> bool:
    """Whether a request may be sent to this very address; text that is no address may not be reached."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv4Address):
        if parsed in _LOOPBACK_V4:
            return allow_loopback
        return not any(parsed in network for network in _PRIVATE_V4)
    if parsed.scope_id is not None:
        return False
    if parsed == _LOOPBACK_V6:
        return allow_loopback
    return parsed in _PUBLIC_V6 and not any(parsed in network for network in _PRIVATE_V6)


def look_up(host: str, port: int) -> Future[list[str]]:
    """Asks the system's resolver in a thread of its own: a name server that never answers holds up nobody."""
    future: Future[list[str]] = Future()
    future.set_running_or_notify_cancel()  # from here on nobody can cancel it

    def ask() -> None:
        try:
            found = resolve(host, port)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(found)

    threading.Thread(target=ask, name="look-up", daemon=True).start()
    return future


def resolve(host: str, port: int) -> list[str]:
    """Every address of `host`, in the system's order; raises `OSError` if there is none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError("the name cannot be encoded") from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _parse(url: str) -> Target:
    match = _URL.fullmatch(url) if len(url) <= MAX_URL_LENGTH else None
    if match is None:
        raise UrlRefused(_what_is_wrong(url))
    scheme, host = match["scheme"].lower(), match["host"].strip("[]")
    port = int(match["port"] or (443 if scheme == "https" else 80))
    if port not in (80, 443) and not 1024 <= port <= 65535:
        raise UrlRefused("port must be 80, 443 or from 1024 to 65535")
    if not match["host"].startswith("["):
        _check_name(host)
    return Target(scheme, host, port, match["path"] or "/", (match["query"] or "")[1:])


def _check_name(host: str) -> None:
    """What a resolver would read as a number must be four plain decimal parts (no 0x7f.1, no 2130706433)."""
    labels = host.removesuffix(".").split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlRefused("host name is not valid")
    if not _NUMBER.fullmatch(labels[-1]):
        return
    try:
        IPv4Address(host)
    except ValueError:
        raise UrlRefused("numeric host must be a plain IPv4 address") from None


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        if ":" in host:
            raise UrlRefused("host is not a valid IPv6 address") from None
        return None


def _what_is_wrong(url: str) -> str:
    """The first thing about `url` that the grammar does not take, in words."""
    authority = re.split(r"[/?#\\]", url.split("://", 1)[-1], maxsplit=1)[0]
    reasons = (
        (len(url) > MAX_URL_LENGTH, f"must be at most {MAX_URL_LENGTH} characters"),
        (not re.match(r"https?://", url, re.IGNORECASE), "must start with https:// or http://"),
        (any(ord(character) <= 32 or ord(character) == 127 for character in url), "must not hold spaces"),
        (not url.isascii(), "must be written in ASCII (punycode for the host, %XX for the rest)"),
        ("\\" in url, "must not hold a backslash"),
        ("@" in authority, "must not hold a user name or password"),
        ("#" in url, "must not hold a fragment (#)"),
    )
    return next((text for wrong, text in reasons if wrong), "is not a valid URL")
