"""How a request of the signed contract is signed, step by step, in the four languages of its original."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    title: str
    text: str
    samples: tuple[tuple[str, str], ...]


_STRING = """\
REQUEST_METHOD
REQUEST_PATH
REQUEST_BODY
TIMESTAMP
"""
_EXAMPLE = """\
POST
/api/v1/payin/transactions
{"order_id":"adsd-ewerz-23sdsd-ad234"}
1790431844701
"""
_PHP = """\
function calculate_hmac($secret, $timestamp, $body, $path, $method = 'GET')
{
    $message = $method . "\\n" . $path . "\\n" . $body . "\\n" . $timestamp . "\\n";
    return hash_hmac('sha256', $message, $secret);
}"""
_PYTHON = """\
import hashlib
import hmac

def calculate_hmac(secret: str, timestamp: str, body: str, path: str, method: str = "GET") -> str:
    message = f"{method}\\n{path}\\n{body}\\n{timestamp}\\n"
    return hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()"""
_NODE = """\
const crypto = require('crypto');

function calculate_hmac(secret, timestamp, body, path, method = 'GET') {
  const message = [method, path, body, timestamp, ''].join('\\n');
  return crypto.createHmac('sha256', secret).update(message, 'utf8').digest('hex');
}"""
_JAVA = """\
static String calculateHmac(String secret, String timestamp, String body, String path, String method) throws Exception {
    String message = String.join("\\n", method, path, body, timestamp, "");
    Mac mac = Mac.getInstance("HmacSHA256");
    mac.init(new SecretKeySpec(secret.getBytes(StandardCharsets.UTF_8), "HmacSHA256"));
    return HexFormat.of().formatHex(mac.doFinal(message.getBytes(StandardCharsets.UTF_8)));
}"""

STEPS = (
    Step(
        "Timestamp",
        "The current Unix timestamp in milliseconds when the request is made. This prevents replay attacks: a request "
        "that is too old is rejected.",
        (
            ("PHP", "$timestamp = floor(microtime(true) * 1000);"),
            ("Python", "import time\ntimestamp = time.time_ns() // 1000000"),
            ("JavaScript", "const timestamp = Date.now();"),
            ("Java", "long timestamp = System.currentTimeMillis();"),
        ),
    ),
    Step(
        "The string to sign",
        "Four lines, each ended by a newline. The path is the requested one, without a query. The body is the text as "
        "it is sent. For GET the body line is left empty; for any other method with an empty body it is {}.",
        (("Its format", _STRING), ("An example", _EXAMPLE)),
    ),
    Step(
        "Signature",
        "Hash the string with HMAC-SHA256, using your Secret Key; the result, as lower-case hex, is the Signature "
        "header. A signature works once: sign every request anew. The panel’s signature debugger shows what must be "
        "signed when one is refused.",
        (("PHP", _PHP), ("Python", _PYTHON), ("JavaScript", _NODE), ("Java", _JAVA)),
    ),
)
