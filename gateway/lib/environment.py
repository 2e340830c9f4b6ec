"""Reads the environment once, for `settings`; what makes no sense is kept in `Environment.problems`, all of it.

Every name may be given as a file instead (`NAME_FILE`), as container platforms hand out secrets. The embedded demo
generates its own secrets on first use into `DATA_DIR/secrets.env` (mode 0600), so that a fresh clone starts with no
configuration. Production has no fallback: a missing secret is an error at start (`preflight`).
"""

from __future__ import annotations

import math
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

from gateway.lib.errors import GatewayError
from gateway.lib.money import parse_amount

T = TypeVar("T")

KEY_NAMES = ("CRYPTO_MNEMONIC", "CRYPTO_MNEMONIC_FILE")
SECRET_NAMES = ("DJANGO_SECRET_KEY", "GATEWAY_PEPPER", "GATEWAY_ENCRYPTION_KEYS")


class Names(FileAwareMapping):  # type: ignore[misc]
    """The environment; a name whose `NAME_FILE` is set is what that file holds, without the line's end."""

    def __getitem__(self, name: str) -> str:
        try:
            return str(super().__getitem__(name)).strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE cannot be read: {error.strerror}.") from None


class Environment(environ.Env):  # type: ignore[misc]
    """Numbers within bounds, booleans that are one, folders that can be written: else the default, and a problem."""

    ENVIRON = Names()

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []

    def whole(self, name: str, default: int, *, least: int = 1, most: int = 10**10) -> int:
        text = self.str(name, "")
        if re.fullmatch(r"[0-9]{1,11}", text) and least <= int(text) <= most:
            return int(text)
        return self._default(name, default, text, f"a whole number from {least}")

    def number(self, name: str, default: float, *, least: float = 0.0) -> float:
        text = self.str(name, "")
        if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text) and math.inf > float(text) >= least:
            return float(text)
        return self._default(name, default, text, f"a number from {least:g}")

    def flag(self, name: str, default: bool) -> bool:
        text = self.str(name, "").lower()
        if text in _WORDS:
            return _WORDS[text]
        return self._default(name, default, text, "true or false")

    def one_of(self, name: str, default: str, *others: str) -> str:
        text, allowed = self.str(name, default), (default, *others)
        return text if text in allowed else self._default(name, default, text, " or ".join(allowed))

    def parsed(self, name: str, default: str, parse: Callable[[str], T]) -> T:
        text = self.str(name, default)
        try:
            return parse(text)
        except (ValueError, GatewayError) as error:
            self.problems.append(f"{name} cannot be read: {error} It is {text!r}.")
            return parse(default)

    def folder(self, name: str, default: Path) -> Path:
        """Made with mode 0700 where it is not there yet."""
        path = Path(self.str(name, "") or default)
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            writable = os.access(path, os.W_OK | os.X_OK)
        except OSError:
            writable = False
        if not writable:
            self.problems.append(f"{name} ({path}) must be a folder that this process may write.")
        return path

    def _default(self, name: str, default: T, text: Any, wanted: str) -> T:
        if text:
            self.problems.append(f"{name} must be {wanted}; it is {text!r}.")
        return default


_WORDS = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)


def data_dir(base: Path) -> Path:
    """`DATA_DIR` (relative paths count from the project folder), made with mode 0700."""
    path = (base / os.environ.get("DATA_DIR", "var")).resolve()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"DATA_DIR ({path}) cannot be made: {error.strerror}.") from None
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


def rates(text: str) -> dict[str, int]:
    """`USDT:88.00,USDC:88.00`: the paise (or cents) that one token of each currency is worth."""
    pairs = [part.split(":", 1) for part in text.split(",") if part.strip()]
    if any(len(pair) != 2 for pair in pairs):
        raise ValueError("it must look like USDT:88.00,USDC:88.00.")
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
    addresses = [address.strip() for address in Environment.ENVIRON.get(name, "").split(",") if address.strip()]
    if not addresses:
        raise ImproperlyConfigured(f"CRYPTO_NETWORKS names {code}, so {name} must hold its RPC addresses.")
    if not all(address.startswith(("https://", "http://")) for address in addresses):
        raise ImproperlyConfigured(f"{name} must hold addresses that begin with https:// or http://, comma-separated.")
    return addresses
