"""`manage.py crypto_keys`: shows what a mnemonic's addresses are, and whether it is this installation's.

The words are typed without echo, or read from a file; they are printed nowhere and kept nowhere. `--new FILE` makes
fresh words into a file that only its owner can read.
"""

from __future__ import annotations

import getpass
import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crypto.chains.curves import curve_of
from crypto.keys import HOT, KeysMissing
from crypto.keys.derivation import private_key
from crypto.keys.mnemonic import make_words, seed_of
from crypto.keys.paths import path_of
from crypto.models import Network
from crypto.queries import hot_wallet
from gateway.lib.modes import Mode


class Command(BaseCommand):
    help = "Checks a mnemonic and shows its hot wallets and first deposit addresses. Prints no key and no word."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--file", type=Path, help="read the words from this file instead of asking for them")
        parser.add_argument("--new", type=Path, metavar="FILE", help="make fresh words into this file (mode 0600)")
        parser.add_argument("--mode", choices=Mode.values, default=Mode.LIVE.value)
        parser.add_argument("--count", type=int, default=3, help="deposit addresses shown for each network")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["new"] is not None:
            _write_new(options["new"])
            self.stdout.write(f"Fresh words are in {options['new']}. Keep a copy on paper: who has them has the money.")
        try:
            seed = seed_of(_words(options["new"] or options["file"]))
        except KeysMissing as error:
            raise CommandError(str(error)) from None
        self.stdout.write("The mnemonic is valid.")
        for network in Network.objects.all():
            self._show(network, options["mode"], seed, options["count"])

    def _show(self, network: Network, mode: str, seed: bytes, count: int) -> None:
        def address(index: int) -> str:
            return curve_of(network.family).address(private_key(seed, path_of(network, mode, index), network.family))

        known = hot_wallet(network, mode)
        verdict = {"": "not used here yet", address(HOT): "this installation's"}.get(known, "NOT this installation's")
        self.stdout.write(f"\n{network.code} ({mode}): {verdict}")
        for index in (HOT, *range(count)):
            name = "hot wallet" if index == HOT else f"deposit {index}"
            self.stdout.write(f"  {name:<11} {path_of(network, mode, index):<26} {address(index)}")


def _words(path: Path | None) -> str:
    if path is None:
        return getpass.getpass("The mnemonic (not shown): ")
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"The file cannot be read ({type(error).__name__}).") from None


def _write_new(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandError("That file exists already; it is left as it is.") from None
    except OSError as error:
        raise CommandError(f"The file cannot be made ({type(error).__name__}).") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(make_words() + "\n")
