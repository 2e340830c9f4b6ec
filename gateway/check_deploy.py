"""`make check`: Django's deployment checks under production settings, warnings counted as errors."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import tempfile

from cryptography.fernet import Fernet


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        production = {
            "GATEWAY_ENV": "production",
            "DATA_DIR": folder,
            "PUBLIC_URL": "https://gateway.example",
            "BEHIND_TLS_PROXY": "true",
            "PROXY_COUNT": "1",
            "EMAIL_URL": "dummymail://",
            "DATABASE_URL": "postgres://gateway@127.0.0.1:5432/gateway",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(64),
            "GATEWAY_PEPPER": secrets.token_urlsafe(64),
            "GATEWAY_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
        }
        command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
        return subprocess.run(command, env=os.environ | production, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
