"""Reads the environment once, for `settings`.

The embedded demo generates its own secrets on first use into `DATA_DIR/secrets.env` (mode 0600), so that a
fresh clone starts with no configuration. Production reads the same names from the environment and has no
fallback: a missing secret is an error at start.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from gateway.lib.money import parse_amount

KEY_NAMES = ("CRYPTO_MNEMONIC", "CRYPTO_MNEMONIC_FILE")
SECRET_NAMES = ("DJANGO_SECRET_KEY", "GATEWAY_PEPPER", "GATEWAY_ENCRYPTION_KEYS")


def data_dir(base: Path) -> Path:
    """`DATA_DIR` (relative paths count from the project folder), made with mode 0700."""
    path = (base / os.environ.get("DATA_DIR", "var")).resolve()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def demo_secrets(folder: Path) -> dict[str, str]:
    """The embedded installation's secrets; written by whichever process comes first, read by all."""
    path = folder / "secrets.env"
    if not path.exists():
        _write_once(path, _fresh_secrets())
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)


def _fresh_secrets() -> str:
    values = (secrets.token_urlsafe(48), secrets.token_urlsafe(48), Fernet.generate_key().decode())
    return "".join(f"{name}={value}\n" for name, value in zip(SECRET_NAMES, values, strict=True))


def _write_once(path: Path, text: str) -> None:
    """Creates `path` whole or not at all; a process that lost the race keeps the winner's file."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def rupees(text: str) -> int | None:
    """A limit such as `100000.00`, in paise; None for an empty one. Raises `InvalidAmount` for anything else."""
    return parse_amount(text.strip(), "INR").minor if text.strip() else None


def tokens(text: str) -> int | None:
    """A limit in tokens such as `1000.00`, in 10⁻⁸; None for an empty one. Raises `InvalidAmount` for anything else."""
    return parse_amount(text.strip(), "USDT").minor if text.strip() else None


def rates(text: str, name: str = "CRYPTO_INR_RATES") -> dict[str, int]:
    """`USDT:88.00,USDC:88.00`: the paise (or cents) that one token of each currency is worth."""
    pairs = [part.split(":", 1) for part in text.split(",") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError(f"{name} must look like USDT:88.00,USDC:88.00")
    return {currency.strip(): parse_amount(rate.strip(), "INR").minor for currency, rate in pairs}


def forget_keys(process: str) -> None:
    """Only the signer may know where keys are, even where one `.env` serves every process."""
    if process != "signer":
        for name in KEY_NAMES:
            os.environ.pop(name, None)


def rpc_addresses(networks: list[str]) -> dict[str, list[str]]:
    """`RPC_BSC=https://…,https://…` for each network that `CRYPTO_NETWORKS` names."""
    return {code: _rpc_addresses_of(code) for code in map(str.strip, networks) if code}


def _rpc_addresses_of(code: str) -> list[str]:
    name = f"RPC_{code}"
    addresses = [address.strip() for address in os.environ.get(name, "").split(",") if address.strip()]
    if not addresses:
        raise ImproperlyConfigured(f"CRYPTO_NETWORKS names {code}, so {name} must hold its RPC addresses.")
    if not all(address.startswith(("https://", "http://")) for address in addresses):
        raise ImproperlyConfigured(f"{name} must hold addresses that begin with https:// or http://, comma-separated.")
    return addresses
