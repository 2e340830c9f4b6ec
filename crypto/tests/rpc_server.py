"""A node on loopback for tests: answers JSON-RPC by a function, and misbehaves on demand.

`trouble` is a list that each request takes its first entry from: a status, raw bytes, something to do first, or one of
the words `hang`, `drip`, `huge`, `redirect`, `hang_up`.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RpcError(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code, self.message = code, message


class RpcServer:
    def __init__(self, answer):
        self.answer, self.trouble, self.calls, self.paths = answer, [], [], []
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                owner.handle(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def handle(self, handler):
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.paths.append(handler.path)
        trouble = self.trouble.pop(0) if self.trouble else None
        try:
            if trouble is not None and self.misbehave(handler, trouble):
                return
            answer = [self.one(call, handler.path) for call in body] if isinstance(body, list) else self.one(body, handler.path)
            self.reply(handler, 200, json.dumps(answer).encode())
        except (BrokenPipeError, ConnectionResetError):
            pass

    def one(self, call, path):
        if "method" not in call:
            return self.answer(path, call)  # Tron's plain JSON API
        self.calls.append(call["method"])
        try:
            return {"jsonrpc": "2.0", "id": call["id"], "result": self.answer(call["method"], call["params"])}
        except RpcError as error:
            return {"jsonrpc": "2.0", "id": call["id"], "error": {"code": error.code, "message": error.message}}

    def misbehave(self, handler, trouble):
        """Whether that was the whole answer."""
        if callable(trouble):
            trouble()
            return False
        if isinstance(trouble, bytes):
            self.reply(handler, 200, trouble)
        elif isinstance(trouble, int):
            self.reply(handler, trouble, b"<html>sorry</html>")
        else:
            getattr(self, trouble)(handler)
        return True

    def hang(self, handler):
        time.sleep(30)

    def drip(self, handler):
        self.head(handler, 200, 1000)
        for _ in range(300):
            handler.wfile.write(b" ")
            time.sleep(0.1)

    def huge(self, handler):
        self.head(handler, 200, 10**9)
        for _ in range(2000):
            handler.wfile.write(b" " * 2**16)

    def redirect(self, handler):
        handler.send_response(302)
        handler.send_header("Location", self.url)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    def hang_up(self, handler):
        handler.close_connection = True

    def reply(self, handler, status, body):
        self.head(handler, status, len(body))
        handler.wfile.write(body)

    def head(self, handler, status, length):
        handler.send_response(status)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
