"""The signed API from Python, with nothing but its standard library.

    BASE=http://127.0.0.1:8000 ACCESS_KEY=ak_test_… SECRET_KEY=… python signed.py

Makes every call once and prints each answer on a line. `calculate_hmac` is the published sample, as it stands.
"""
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.request

BASE, ACCESS_KEY, SECRET_KEY = (os.environ[name] for name in ("BASE", "ACCESS_KEY", "SECRET_KEY"))


def calculate_hmac(secret: str, timestamp: str, body: dict, path: str, method: str = 'GET') -> str:
    # Convert dict to JSON string (compact, no spaces, consistent)
    body_str = json.dumps(body, separators=(',', ':'))
    digest = hmac.new(secret.encode("utf-8"), digestmod=hashlib.sha256)
    # Build the message: method + "\n" + path + "\n" + body + "\n" + timestamp + "\n"
    digest.update(method.encode("utf-8"))
    digest.update(b"\n")
    digest.update(path.encode("utf-8"))
    digest.update(b"\n")
    digest.update(body_str.encode("utf-8"))
    digest.update(b"\n")
    digest.update(timestamp.encode("utf-8"))
    digest.update(b"\n")
    return digest.hexdigest()  # lowercase hex string


def call(method: str, path: str, body: dict, content: bytes | None = None, kind: str = "application/json") -> dict:
    """`body` is what is signed; `content` what is sent, if it is not that as JSON (spaces and all)."""
    timestamp = str(time.time_ns() // 1000000)
    headers = {
        "Access-Key": ACCESS_KEY,
        "Timestamp": timestamp,
        "Signature": calculate_hmac(SECRET_KEY, timestamp, body, path, method),
        "Content-Type": kind,
    }
    if method == "POST" and content is None:
        content = json.dumps(body).encode()
    request = urllib.request.Request(f"{BASE}/{path}", data=content, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def form(fields: dict) -> tuple[bytes, str]:
    """A multipart body, as curl's --form sends it."""
    parts = [
        f'--cut\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    return ("".join(parts) + "--cut--\r\n").encode(), "multipart/form-data; boundary=cut"


order_id = sys.argv[1] if len(sys.argv) > 1 else f"python-{time.time_ns()}"
link = {
    "user_id": "a42332-2fs-q341-d36d34", "order_id": order_id, "amount": 100, "method": "UPI",
    "redirect_url": "http://test.com",
}
payout = {
    "beneficiary_name": "Test Name", "beneficiary_email": "test.test@gmail.com", "beneficiary_mobile_no": 7878787878,
    "beneficiary_address": "NOIDA", "payment_method": "IMPS", "beneficiary_acc_no": "99999999999", "bank_name": "SBI",
    "ifsc": "SBIN0060589", "amount": 5, "remarks": None, "order_id": order_id, "user_id": "hasd-feh32-sdfs-345",
}
for answer in (
    call("GET", "api/v1/balance", {}),
    call("POST", "api/v1/payin/generate/link", link),
    call("POST", "api/v1/payin/transactions", {"order_id": order_id}, *form({"order_id": order_id})),
    call("POST", "api/v1/payout/initiate", payout),
    call("GET", f"api/v1/payout/{order_id}/status", {}),
):
    print(json.dumps(answer))
