"""A call as a program in four languages, each with nothing beyond what comes with the language.

Keys are read from the environment; everything else stands in the program, written so that no text can end its literal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

LANGUAGES = ("curl", "Python", "Node.js", "PHP")


@dataclass(frozen=True, slots=True)
class Sent:
    """`path` begins with a slash and is percent-encoded; `body` is the text as it is sent, empty for none.

    `keys` are (header, name in the environment) pairs, `headers` those that the caller chose. `signed`: Timestamp and
    Signature are made of the request with `SECRET_KEY`.
    """

    base: str
    method: str
    path: str
    query: str = ""
    body: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    signed: bool = False

    @property
    def url(self) -> str:
        return f"{self.base}{self.path}" + (f"?{self.query}" if self.query else "")

    @property
    def plain_headers(self) -> tuple[tuple[str, str], ...]:
        return (*self.headers, ("Content-Type", "application/json")) if self.body else self.headers

    @property
    def signed_body(self) -> str:
        """The body line of the signature: empty for GET, `{}` where another method sends none."""
        return self.body or ("" if self.method == "GET" else "{}")

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the environment must hold."""
        return (*(name for _, name in self.keys), *(("SECRET_KEY",) if self.signed else ()))


@dataclass(frozen=True, slots=True)
class Program:
    language: str
    text: str

    @property
    def slug(self) -> str:
        return self.language.split(".")[0].lower()


def programs(sent: Sent) -> list[Program]:
    makers: tuple[Callable[[Sent], str], ...] = (_curl, _python, _node, _php)
    return [Program(language, make(sent)) for language, make in zip(LANGUAGES, makers, strict=True)]


# curl --------------------------------------------------------------------------------------------------------------
def _curl(sent: Sent) -> str:
    lines = [f"curl -X {sent.method} {_shell(sent.url)}"]
    lines += [f'  -H "{header}: ${name}"' for header, name in sent.keys]
    if sent.signed:
        lines += ['  -H "Timestamp: $TIMESTAMP"', '  -H "Signature: $SIGNATURE"']
    lines += [f"  -H {_shell(f'{header}: {value}')}" for header, value in sent.plain_headers]
    if sent.body:
        lines.append('  --data-raw "$BODY"' if sent.signed else f"  --data-raw {_shell(sent.body)}")
    return (_curl_signature(sent) if sent.signed else "") + " \\\n".join(lines)


def _curl_signature(sent: Sent) -> str:
    return (
        f"BODY={_shell(sent.signed_body)}\n"
        'TIMESTAMP="$(date +%s)000"\n'
        f"SIGNATURE=$(printf '%s\\n%s\\n%s\\n%s\\n' {sent.method} {_shell(sent.path)} \"$BODY\" \"$TIMESTAMP\" \\\n"
        "  | openssl dgst -sha256 -hmac \"$SECRET_KEY\" | sed 's/^.* //')\n\n"
    )


def _shell(text: str) -> str:
    """A literal of the shell in which nothing is replaced."""
    return "'" + text.replace("'", "'\\''") + "'"


# Python ------------------------------------------------------------------------------------------------------------
def _python(sent: Sent) -> str:
    modules = "hashlib, hmac, os, time" if sent.signed else "os"
    return "\n".join([
        f"import {modules}, urllib.error, urllib.request", "",
        *([f"body = {_python_text(sent.body)}"] if sent.body else []),
        *(_python_signature(sent) if sent.signed else []),
        "headers = {", *(f"    {line}," for line in _python_headers(sent)), "}",
        "request = urllib.request.Request(",
        f"    {_python_text(sent.url)}, method={_python_text(sent.method)}, headers=headers,"
        + (" data=body.encode()," if sent.body else ""),
        ")",
        "try:",
        "    with urllib.request.urlopen(request) as answer:",
        "        print(answer.read().decode())",
        "except urllib.error.HTTPError as refusal:",
        "    print(refusal.read().decode())",
    ])


def _python_signature(sent: Sent) -> list[str]:
    signed = "body" if sent.body else _python_text(sent.signed_body)
    return [
        "timestamp = str(time.time_ns() // 1_000_000)",
        f"lines = [{_python_text(sent.method)}, {_python_text(sent.path)}, {signed}, timestamp, \"\"]",
        'message = "\\n".join(lines).encode()',
        'signature = hmac.new(os.environ["SECRET_KEY"].encode(), message, hashlib.sha256).hexdigest()',
    ]


def _python_headers(sent: Sent) -> list[str]:
    return [
        *(f'"{header}": os.environ["{name}"]' for header, name in sent.keys),
        *(['"Timestamp": timestamp', '"Signature": signature'] if sent.signed else []),
        *(f"{_python_text(header)}: {_python_text(value)}" for header, value in sent.plain_headers),
    ]


def _python_text(text: str) -> str:
    """In three quotes over several lines where it can be read so; else with every escape."""
    if "\n" in text and text.isascii() and not set('\\\r\t') & set(text) and '""' not in text and text[-1] != '"':
        return f'"""{text}"""'
    return repr(text) if set('"\\') & set(text) or not text.isprintable() else f'"{text}"'


# Node.js -----------------------------------------------------------------------------------------------------------
def _node(sent: Sent) -> str:
    return "\n".join([
        *(["const crypto = require('node:crypto');", ""] if sent.signed else []),
        *([f"const body = {_node_text(sent.body)};"] if sent.body else []),
        *(_node_signature(sent) if sent.signed else []),
        "const headers = {", *(f"  {line}," for line in _node_headers(sent)), "};",
        f"fetch({_node_text(sent.url)}, {{ method: {_node_text(sent.method)}, headers"
        + (", body" if sent.body else "") + " })",
        "  .then((answer) => answer.text())",
        "  .then((text) => console.log(text));",
    ])


def _node_signature(sent: Sent) -> list[str]:
    signed = "body" if sent.body else _node_text(sent.signed_body)
    return [
        "const timestamp = String(Date.now());",
        f"const message = [{_node_text(sent.method)}, {_node_text(sent.path)}, {signed}, timestamp, ''].join('\\n');",
        "const signature = crypto.createHmac('sha256', process.env.SECRET_KEY).update(message).digest('hex');",
    ]


def _node_headers(sent: Sent) -> list[str]:
    return [
        *(f"'{header}': process.env.{name}" for header, name in sent.keys),
        *(["'Timestamp': timestamp", "'Signature': signature"] if sent.signed else []),
        *(f"{_node_text(header)}: {_node_text(value)}" for header, value in sent.plain_headers),
    ]


def _node_text(text: str) -> str:
    if "\n" in text and text.isascii() and not set("\\\r\t`$") & set(text):
        return f"`{text}`"
    return _double(text)


def _double(text: str) -> str:
    """A literal of JavaScript: ASCII, with its escapes."""
    return json.dumps(text)


# PHP ---------------------------------------------------------------------------------------------------------------
def _php(sent: Sent) -> str:
    content = ", 'content' => $body" if sent.body else ""
    return "\n".join([
        "<?php",
        *([f"$body = {_php_text(sent.body)};"] if sent.body else []),
        *(_php_signature(sent) if sent.signed else []),
        "$headers = [", *(f"    {line}," for line in _php_headers(sent)), "];",
        f"$http = ['method' => {_php_text(sent.method)}, 'header' => $headers{content}, 'ignore_errors' => true];",
        f"$context = stream_context_create(['http' => $http]);\necho file_get_contents({_php_text(sent.url)}, false, "
        "$context), \"\\n\";",
    ])


def _php_signature(sent: Sent) -> list[str]:
    signed = "$body" if sent.body else _php_text(sent.signed_body)
    return [
        "$timestamp = (string) floor(microtime(true) * 1000);",
        f"$lines = [{_php_text(sent.method)}, {_php_text(sent.path)}, {signed}, $timestamp, ''];",
        "$signature = hash_hmac('sha256', implode(\"\\n\", $lines), getenv('SECRET_KEY'));",
    ]


def _php_headers(sent: Sent) -> list[str]:
    return [
        *(f"'{header}: ' . getenv('{name}')" for header, name in sent.keys),
        *(["'Timestamp: ' . $timestamp", "'Signature: ' . $signature"] if sent.signed else []),
        *(_php_text(f"{header}: {value}") for header, value in sent.plain_headers),
    ]


def _php_text(text: str) -> str:
    """A literal of PHP in which nothing is replaced."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
