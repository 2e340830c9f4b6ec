"""The one secret behind all keys: a BIP-39 mnemonic, read by the signer once and kept in its memory only.

From `CRYPTO_MNEMONIC`, or the file that `CRYPTO_MNEMONIC_FILE` names; the embedded demo makes one of its own in
`DATA_DIR/mnemonic` (mode 0600). Errors never repeat what was read.
"""

from __future__ import annotations

import os
import unicodedata
from hashlib import pbkdf2_hmac
from pathlib import Path

from django.conf import settings

from crypto.keys import KeysMissing

ROUNDS = 2048
_FILE = "mnemonic"


def seed_of(words: str, passphrase: str = "") -> bytes:
    """BIP-39's 64 bytes. Raises `KeysMissing` if the words are no mnemonic."""
    from eth_account.hdaccount.mnemonic import Mnemonic

    words = unicodedata.normalize("NFKD", " ".join(words.split()))
    if not Mnemonic().is_mnemonic_valid(words):
        raise KeysMissing("The mnemonic is not valid: it must be 12 to 24 English words of BIP-39, checksum and all.")
    salt = "mnemonic" + unicodedata.normalize("NFKD", passphrase)
    return pbkdf2_hmac("sha512", words.encode(), salt.encode(), ROUNDS)


def read_words() -> str:
    """Raises `KeysMissing` with what to set. What came in the environment is forgotten there."""
    words, path = os.environ.pop("CRYPTO_MNEMONIC", ""), os.environ.get("CRYPTO_MNEMONIC_FILE", "")
    if words.strip():
        return words
    if path:
        return _read_file(Path(path))
    if settings.DEMO:
        return _demo_words(Path(settings.DATA_DIR) / _FILE)
    raise KeysMissing("Set CRYPTO_MNEMONIC or CRYPTO_MNEMONIC_FILE for the signer; see docs/crypto.md.")


def _read_file(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise KeysMissing(f"CRYPTO_MNEMONIC_FILE cannot be read ({type(error).__name__}).") from None


def _demo_words(path: Path) -> str:
    """Made once; a second signer that starts at the same moment takes the first one's."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(make_words() + "\n")
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text()


def make_words() -> str:
    """24 fresh words."""
    from eth_account.hdaccount.mnemonic import Mnemonic

    return str(Mnemonic().generate(24))
