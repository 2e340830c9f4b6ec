"""The request of the signature debugger as a program, in the four languages of the published samples.

Keys are read from the environment; everything else stands in the program, written so that no text can end its literal.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """`path` begins with a slash; `signed` is the body line of the signature, `sent` what goes over the wire."""

    base: str
    method: str
    path: str
    signed: str
    sent: str
    content_type: str


def programs(call: Call) -> list[tuple[str, str]]:
    """(language, program) pairs."""
    return [
        ("Python", _PYTHON.format(**_words(call, repr))),
        ("Node.js", _NODE.format(**_words(call, _double))),
        ("PHP", _PHP.format(**_words(call, _single))),
        ("Java", _JAVA.format(**_words(call, _double))),
    ]


def _words(call: Call, quoted: Callable[[str], str]) -> dict[str, str]:
    return {
        "url": quoted(call.base + call.path), "method": quoted(call.method), "path": quoted(call.path),
        "signed": quoted(call.signed), "sent": quoted(call.sent), "kind": quoted(call.content_type),
    }


def _double(text: str) -> str:
    """A literal of JavaScript and Java alike: ASCII, with the escapes that both know."""
    return json.dumps(text)


def _single(text: str) -> str:
    """A literal of PHP in which nothing is replaced."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_PYTHON = """\
import hashlib, hmac, os, time, urllib.error, urllib.request

method, path = {method}, {path}
signed, sent = {signed}, {sent}
timestamp = str(time.time_ns() // 1000000)
message = f"{{method}}\\n{{path}}\\n{{signed}}\\n{{timestamp}}\\n"
signature = hmac.new(os.environ["SECRET_KEY"].encode(), message.encode(), hashlib.sha256).hexdigest()
headers = {{
    "Access-Key": os.environ["ACCESS_KEY"], "Timestamp": timestamp, "Signature": signature, "Content-Type": {kind},
}}
request = urllib.request.Request({url}, data=sent.encode() or None, headers=headers, method=method)
try:
    print(urllib.request.urlopen(request).read().decode())
except urllib.error.HTTPError as refusal:
    print(refusal.read().decode())
"""
_NODE = """\
const crypto = require('crypto');

const method = {method}, path = {path};
const signed = {signed}, sent = {sent};
const timestamp = String(Date.now());
const message = `${{method}}\\n${{path}}\\n${{signed}}\\n${{timestamp}}\\n`;
const signature = crypto.createHmac('sha256', process.env.SECRET_KEY).update(message, 'utf8').digest('hex');
const headers = {{
  'Access-Key': process.env.ACCESS_KEY, Timestamp: timestamp, Signature: signature, 'Content-Type': {kind},
}};
fetch({url}, {{ method, headers, body: sent || undefined }})
  .then((response) => response.text())
  .then((text) => console.log(text));
"""
_PHP = """\
<?php
$method = {method};
$path = {path};
$signed = {signed};
$sent = {sent};
$timestamp = (string) floor(microtime(true) * 1000);
$message = $method . "\\n" . $path . "\\n" . $signed . "\\n" . $timestamp . "\\n";
$signature = hash_hmac('sha256', $message, getenv('SECRET_KEY'));
$headers = [
    'Access-Key: ' . getenv('ACCESS_KEY'), 'Timestamp: ' . $timestamp, 'Signature: ' . $signature,
    'Content-Type: ' . {kind},
];
$http = ['method' => $method, 'header' => $headers, 'content' => $sent, 'ignore_errors' => true];
echo file_get_contents({url}, false, stream_context_create(['http' => $http])), "\\n";
"""
_JAVA = """\
import java.net.URI;
import java.net.http.*;
import java.nio.charset.StandardCharsets;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

public class Signed {{
    public static void main(String[] arguments) throws Exception {{
        String method = {method}, path = {path};
        String signed = {signed};
        String sent = {sent};
        String timestamp = String.valueOf(System.currentTimeMillis());
        String message = method + "\\n" + path + "\\n" + signed + "\\n" + timestamp + "\\n";
        Mac mac = Mac.getInstance("HmacSHA256");
        byte[] key = System.getenv("SECRET_KEY").getBytes(StandardCharsets.UTF_8);
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        StringBuilder signature = new StringBuilder();
        for (byte b : mac.doFinal(message.getBytes(StandardCharsets.UTF_8))) {{
            signature.append(String.format("%02x", b));
        }}
        HttpRequest request = HttpRequest.newBuilder(URI.create({url}))
            .header("Access-Key", System.getenv("ACCESS_KEY")).header("Timestamp", timestamp)
            .header("Signature", signature.toString()).header("Content-Type", {kind})
            .method(method, HttpRequest.BodyPublishers.ofString(sent)).build();
        HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
        System.out.println(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
    }}
}}
"""
