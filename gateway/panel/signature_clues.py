"""Why a signature does not match: the mistakes that people make, each tried until one reproduces it.

A clue is certain: it says what was signed instead, because signing that very thing gives the very signature. Pure; the
secrets come in and never go out, nor does a signature that the server would accept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from gateway.lib import strict_json
from gateway.lib.signature import Received, forms, is_timestamp, string_to_sign

Text = tuple[str, bytes]  # what is different about it, and what was signed


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that may have been used; `mistake` is empty for the right one."""

    mistake: str
    secret: bytes


def keys_of(access_key: str, secret: str, others: Sequence[tuple[str, str]]) -> list[Key]:
    """The right secret, what people make of it, and those of the merchant's other pairs (label, secret)."""
    plain = secret.encode()
    bare = secret.split("_", 2)[-1]
    wrong = [
        Key("the access key was used in place of the secret key", access_key.encode()),
        Key("the secret key was used without its prefix", bare.encode()),
        Key("the secret key was used with a newline or space at its end", plain + b"\n"),
        Key("the secret key was used with a newline or space at its end", plain + b" "),
        Key("the secret key was hashed or encoded first (base64)", base64.b64encode(plain)),
        Key("the secret key was hashed or encoded first (hex)", plain.hex().encode()),
        Key("the secret key was hashed or encoded first (SHA-256)", hashlib.sha256(plain).hexdigest().encode()),
        Key("the secret key was decoded as base64 first; use its text as it is", _decoded(bare)),
        *(Key(f"the secret of another key was used: {label}", other.encode()) for label, other in others),
    ]
    return [Key("", plain), *(key for key in wrong if key.secret)]


def _decoded(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return b""


_WRITINGS: tuple[tuple[str, Callable[[bytes], str]], ...] = (
    ("", bytes.hex),
    ("the signature is in upper case; it must be lower-case hex", lambda digest: digest.hex().upper()),
    ("the signature is base64; it must be lower-case hex", lambda digest: base64.b64encode(digest).decode()),
    ("the signature is base64; it must be lower-case hex", lambda digest: base64.urlsafe_b64encode(digest).decode()),
)
_HASHES = (
    ("", "sha256"), ("SHA-512 was used in place of SHA-256", "sha512"), ("SHA-1 was used in place of SHA-256", "sha1"),
)


def find(request: Received, query: str, signature: str, keys: Sequence[Key]) -> list[str]:
    """The fewest mistakes that together give exactly this signature; empty when none that are known do."""
    signature, found = signature.strip(), []
    texts = list(_texts(request, query))
    for key in keys:
        for mistake, text in texts:
            for hash_mistake, name in _HASHES:
                digest = hmac.digest(key.secret, text, name)
                for writing, write in _WRITINGS:
                    if hmac.compare_digest(write(digest).encode(), signature.encode()):
                        found.append([word for word in (key.mistake, mistake, hash_mistake, writing) if word])
    return min(found, key=len, default=[])


def _texts(request: Received, query: str) -> Iterator[Text]:
    """What may have been signed: the accepted forms first, then those with one thing wrong."""
    accepted = list(forms(request))
    yield from (("", form.text) for form in accepted)
    for form in accepted:
        yield from _wrong_frames(form.text)
        yield from _wrong_parts(request, query, form.path, form.body)
    for path in dict.fromkeys(form.path for form in accepted):
        for mistake, body in _wrong_bodies(request):
            yield mistake, string_to_sign(request.method, path, body, request.timestamp)


def _wrong_frames(text: bytes) -> Iterator[Text]:
    yield "the last newline, after the timestamp, is missing", text[:-1]
    yield "the lines end in CR LF; they must end in LF alone", text.replace(b"\n", b"\r\n")
    yield "the two characters \\n were signed in place of newlines", text.replace(b"\n", b"\\n")
    yield "the newlines between the parts are missing", text.replace(b"\n", b"")


def _wrong_parts(request: Received, query: str, path: str, body: bytes) -> Iterator[Text]:
    method, timestamp = request.method, request.timestamp
    yield "the method was written in lower case", string_to_sign(method.lower(), path, body, timestamp)
    if query:
        with_query = string_to_sign(method, f"{path}?{query}", body, timestamp)
        yield "the query string was signed; no call takes one", with_query
    short = path.lstrip("/").removeprefix("api/v1")
    for wrong in (short, short.lstrip("/"), f"{path}/", f"v1{short}", f"/v1{short}"):
        yield "the path is not /api/v1/…, as it is requested", string_to_sign(method, wrong, body, timestamp)
    if is_timestamp(timestamp):
        seconds = string_to_sign(method, path, body, timestamp[:-3])
        yield "the timestamp was signed in seconds; the header has milliseconds", seconds
    swapped = f"{timestamp}\n{method}\n{path}\n".encode() + body + b"\n"
    yield "the order of the parts differs: METHOD, PATH, BODY, TIMESTAMP", swapped
    for other in ("GET", "POST"):
        if other != method:
            yield f"the method {other} was signed", string_to_sign(other, path, body, timestamp)


def _wrong_bodies(request: Received) -> Iterator[Text]:
    for body in (b"", b"{}", b"null", b"[]", b'""'):
        if body != request.body:
            shown = body.decode() or "an empty line"
            yield f"{shown} was signed in place of the body", body
    yield "the body was signed with a newline at its end", request.body + b"\n"
    try:
        value = dict(request.fields) if request.fields is not None else strict_json.loads(request.body)
        text = json.dumps(value)
    except (strict_json.MalformedJson, ValueError):
        return
    yield "the body was signed with spaces that were not sent", text.encode()
    for indent in (2, 4):
        yield "the body was signed with indents that were not sent", json.dumps(value, indent=indent).encode()
    for separators in ((",", ":"), (", ", ": ")):
        ordered = json.dumps(value, sort_keys=True, separators=separators)
        yield "the body was signed with its fields in another order than they were sent in", ordered.encode()
        plain = json.dumps(value, ensure_ascii=False, separators=separators)
        yield "the body was signed with letters written another way than they were sent", plain.encode()
        yield "the body was signed with \\/ for / (PHP), which was not sent", text.replace("/", "\\/").encode()
        escaped = json.dumps(value, separators=separators).replace("/", "\\/")
        yield "the body was signed with \\/ for / (PHP), which was not sent", escaped.encode()


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two texts part: the line and column (from 1), and what stands there."""

    line: int
    column: int
    expected: str
    found: str


def first_difference(expected: str, found: str) -> Difference | None:
    """None where they are the same."""
    if expected == found:
        return None
    place = next((at for at, (one, other) in enumerate(zip(expected, found, strict=False)) if one != other), -1)
    if place < 0:
        place = min(len(expected), len(found))
    line = expected.count("\n", 0, place)
    column = place - (expected.rfind("\n", 0, place) + 1)
    return Difference(line + 1, column + 1, _seen(expected, place), _seen(found, place))


def _seen(text: str, place: int) -> str:
    return text[place : place + 24].replace("\n", "↵") if place < len(text) else "nothing: it ends here"
