"""Heights, times and hashes of simulated blocks. Reading writes nothing: empty blocks follow from the clock.

A block that was ever shown never changes, but by a reorganisation: a reader takes the time first and looks for
waiting transactions then; who finds some mines them under the chain's lock, into a block later than the time it then
has (`mining`). So whoever saw a block without a transaction saw it before that transaction was there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from crypto import base58
from crypto.models.networks import Network
from crypto.models.simulated import SimulatedEra, SimulatedFork, SimulatedNetwork

FIRST_HEIGHT = 1000


def find_chain(network: Network, mode: str) -> SimulatedNetwork:
    """The chain, made with its first block when somebody asks for it the first time."""
    chain = SimulatedNetwork.objects.filter(network=network, mode=mode).first()
    return chain if chain is not None else _make_chain(network, mode)


@transaction.atomic
def _make_chain(network: Network, mode: str) -> SimulatedNetwork:
    chain, _ = SimulatedNetwork.objects.get_or_create(network=network, mode=mode)
    with locked(chain):
        if not chain.eras.exists():
            start_era(chain, first=FIRST_HEIGHT, last=FIRST_HEIGHT, at=timezone.now())
    return chain


@contextmanager
def locked(chain: SimulatedNetwork) -> Iterator[SimulatedNetwork]:
    """One at a time changes a chain; what is read inside is the newest."""
    with transaction.atomic():
        yield SimulatedNetwork.objects.select_for_update().get(pk=chain.pk)


def era_of(chain: SimulatedNetwork) -> SimulatedEra:
    era = chain.eras.order_by("-id").first()
    assert era is not None, "a simulated chain is made with its first era"
    return era


def start_era(chain: SimulatedNetwork, *, first: int, last: int, at: datetime) -> SimulatedEra:
    seconds = settings.SIMULATED_BLOCK_SECONDS
    return chain.eras.create(first_height=first, last_height=last, started_at=at, block_seconds=seconds)


def height_at(era: SimulatedEra, moment: datetime) -> int:
    if not era.block_seconds:
        return era.last_height
    passed = max((moment - era.started_at).total_seconds(), 0.0)
    return era.last_height + int(passed / era.block_seconds)


def keep_pace(chain: SimulatedNetwork) -> SimulatedEra:
    """The present era; a new one when the setting of the block time has changed."""
    era = era_of(chain)
    if era.block_seconds == settings.SIMULATED_BLOCK_SECONDS:
        return era
    with locked(chain):
        era = era_of(chain)
        if era.block_seconds == settings.SIMULATED_BLOCK_SECONDS:
            return era
        now = timezone.now()
        height = height_at(era, now)
        return start_era(chain, first=height + 1, last=height, at=now)


def block_time(chain: SimulatedNetwork, height: int) -> datetime:
    era = chain.eras.filter(first_height__lte=height).order_by("-id").first()
    if era is None or not era.block_seconds:
        return era.started_at if era else era_of(chain).started_at
    return era.started_at + timedelta(seconds=max(height - era.last_height, 0) * era.block_seconds)


def block_hashes(chain: SimulatedNetwork, heights: list[int]) -> dict[int, str]:
    """The hash of each height, which differs after every reorganisation that passed over it."""
    if not heights:
        return {}
    forks = list(
        SimulatedFork.objects.filter(chain=chain, first_height__lte=max(heights), last_height__gte=min(heights))
        .values_list("first_height", "last_height")
    )
    return {height: _hash(chain, height, sum(first <= height <= last for first, last in forks)) for height in heights}


def _hash(chain: SimulatedNetwork, height: int, branch: int) -> str:
    digest = sha256(f"{chain.pk}|{chain.network_id}|{chain.mode}|{height}|{branch}".encode())
    return spell_hash(chain.network, digest.digest())


def spell_hash(network: Network, digest: bytes) -> str:
    """32 bytes as the network's family writes a hash."""
    if network.family == Network.Family.SOLANA:
        return base58.encode(digest)
    return ("0x" if network.family == Network.Family.EVM else "") + digest.hex()
