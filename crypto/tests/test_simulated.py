"""The simulated chain keeps the promises of a real one: what was shown stays, but for a reorganisation."""

import pytest

from crypto import formats, keys
from crypto.chains.base import NodeBusy, NodeDown, NodeError, NodeTimeout, NodeWrong, Payment, Refused, Signed
from crypto.chains.registry import chain_for, token_for
from crypto.chains.simulated import blocks, control
from crypto.models import SimulatedTransaction, Token

ALL = ["BSC", "ETH", "POL", "TRX", "SOL"]
NATIVE = 10**18


@pytest.fixture
def world(network, signer):
    """(network, chain, USDT, a deposit address with gas, the hot wallet) of a code."""

    def world(code, index=0):
        found = network(code)
        address = keys.address_at(found, "test", index)
        control.give_native(found, recipient=address, units=NATIVE)
        control.mine(found)
        return found, chain_for(found, "test"), token_for(code, "test", "USDT"), address, keys.hot_address(found, "test")

    return world


def to(chain, token, address, first=0, last=None):
    last = chain.height() if last is None else last
    return chain.transfers(first, last, contracts=[token.contract], recipients=[formats.lookup_form(chain.network, address)])


def signed(world, units, *, fee=None, nonce=None, index=0):
    found, chain, token, address, hot = world
    payment = Payment(address, hot, token.contract, units)
    fee = fee or chain.fee(payment)
    nonce = chain.next_nonce(address) if nonce is None else nonce
    return keys.sign(found, "test", index, chain.build(payment, nonce=nonce, fee=fee)), fee


@pytest.mark.parametrize("code", ALL)
def test_a_payment_is_seen_in_the_next_block(world, code):
    found, chain, token, address, _ = world(code)
    height = chain.height()

    paid = control.pay(found, currency="USDT", recipient=address, units=5_000_000)

    assert chain.height() == height
    assert to(chain, token, address) == []
    assert chain.receipt(paid) is None
    assert chain.knows(paid)
    assert control.mine(found, 3) == height + 3 == chain.height()
    (transfer,) = to(chain, token, address)
    assert (transfer.transaction_hash, transfer.position, transfer.height) == (paid, 0, height + 1)
    assert transfer.units == 5_000_000
    assert transfer.contract == formats.lookup_form(found, token.contract)
    assert transfer.recipient == formats.lookup_form(found, address)
    assert transfer.block_hash == chain.block(height + 1).hash
    assert chain.receipt(paid).succeeded
    assert chain.token_balance(address, token.contract) == 5_000_000
    assert to(chain, token, address, height + 2) == []


@pytest.mark.parametrize("code", ALL)
def test_what_we_sign_is_mined_and_paid_for(world, code):
    place = found, chain, token, address, hot = world(code)
    control.mint(found, currency="USDT", recipient=address, units=5_000_000)
    control.mine(found)
    transaction, fee = signed(place, 5_000_000)

    chain.broadcast(transaction)
    chain.broadcast(transaction)  # the same bytes again do no harm
    control.mine(found)

    receipt = chain.receipt(transaction.transaction_hash)
    assert receipt.succeeded
    assert 0 < receipt.fee <= fee.most
    assert receipt.fee == receipt.gas_used * receipt.gas_price
    assert [(one.sender, one.recipient, one.units) for one in receipt.transfers] == [
        (formats.lookup_form(found, address), formats.lookup_form(found, hot), 5_000_000)
    ]
    assert chain.token_balance(address, token.contract) == 0
    assert chain.token_balance(hot, token.contract) == 5_000_000
    assert chain.native_balance(address) == NATIVE - receipt.fee
    assert chain.next_nonce(address) == (1 if chain.uses_nonces else 0)


def test_a_failed_receipt_costs_its_fee_and_moves_nothing(world):
    place = found, chain, token, address, hot = world("BSC")
    control.mint(found, currency="USDT", recipient=address, units=5)
    control.mine(found)
    transaction, _ = signed(place, 6)  # more than there is

    chain.broadcast(transaction)
    control.mine(found)

    receipt = chain.receipt(transaction.transaction_hash)
    assert (receipt.succeeded, receipt.transfers) == (False, ())
    assert chain.native_balance(address) == NATIVE - receipt.fee < NATIVE
    assert chain.token_balance(address, token.contract) == 5
    assert to(chain, token, hot) == []
    assert chain.next_nonce(address) == 1


def test_fakes_failures_and_nothing_are_not_transfers_of_the_token(world):
    found, chain, token, address, _ = world("ETH")
    fake = control.pay(found, currency="USDT", recipient=address, units=7, fake=True)
    failed = control.pay(found, currency="USDT", recipient=address, units=7, fails=True)
    control.pay(found, currency="USDT", recipient=address, units=0)
    control.mine(found)

    assert to(chain, token, address) == []
    assert chain.receipt(fake).transfers[0].contract != token.contract
    assert not chain.receipt(failed).succeeded
    assert chain.token_balance(address, token.contract) == 0


def test_two_tokens_at_once_are_two_positions(world):
    found, chain, token, address, hot = world("BSC")
    usdc = token_for("BSC", "test", "USDC")
    control.pay_several(found, moves=[("USDT", hot, 1), ("USDC", address, 2), ("USDT", address, 10**77)])
    control.mine(found)

    got = chain.transfers(0, chain.height(), contracts=[token.contract, usdc.contract], recipients=[address])
    assert [(one.position, one.contract, one.units) for one in got] == [(1, usdc.contract, 2), (2, token.contract, 10**77)]


@pytest.mark.parametrize("depth", [1, 3, 11, 12, 13])
def test_a_reorganisation_changes_hashes_takes_back_what_it_drops_and_mines_the_rest_again(world, depth):
    found, chain, token, address, _hot = world("BSC")
    dropped = control.pay(found, currency="USDT", recipient=address, units=1)
    kept = control.pay(found, currency="USDT", recipient=address, units=2)
    control.mine(found, depth)
    head = chain.height()
    before = [chain.block(height).hash for height in range(head - depth, head + 1)]

    control.reorganise(found, depth, drop=[dropped])

    after = [chain.block(height).hash for height in range(head - depth, head + 1)]
    assert chain.height() == head
    assert before[0] == after[0]
    assert set(before[1:]).isdisjoint(after[1:])
    assert [chain.block(height + 1).parent for height in range(head - depth, head)] == after[:-1]
    assert chain.receipt(dropped) is None
    assert not chain.knows(dropped)
    (transfer,) = to(chain, token, address)
    assert transfer.transaction_hash == kept
    assert transfer.block_hash == chain.block(transfer.height).hash
    assert chain.token_balance(address, token.contract) == 2


def test_what_a_reorganisation_dropped_can_be_sent_again(world):
    place = found, chain, token, address, hot = world("POL")
    control.mint(found, currency="USDT", recipient=address, units=9)
    control.mine(found)
    transaction, _ = signed(place, 9)
    chain.broadcast(transaction)
    control.mine(found)
    control.reorganise(found, 1, drop=[transaction.transaction_hash])
    assert chain.next_nonce(address) == 0
    assert chain.native_balance(address) == NATIVE
    assert chain.token_balance(address, token.contract) == 9

    chain.broadcast(transaction)
    control.mine(found)

    assert chain.receipt(transaction.transaction_hash).succeeded
    assert chain.token_balance(hot, token.contract) == 9


def test_one_nonce_one_transaction(world):
    place = found, chain, token, address, hot = world("BSC")
    control.mint(found, currency="USDT", recipient=address, units=100)
    control.mine(found)
    first, fee = signed(place, 1, nonce=0)
    rival, _ = signed(place, 2, nonce=0)
    chain.broadcast(first)

    with pytest.raises(Refused) as refused:
        chain.broadcast(rival)
    assert refused.value.reason == "underpriced"

    payment = Payment(address, hot, token.contract, 1)
    better, _ = signed(place, 3, nonce=0, fee=chain.fee(payment, beyond=fee))
    chain.broadcast(better)
    control.mine(found)
    assert not chain.knows(first.transaction_hash)
    assert chain.receipt(better.transaction_hash).succeeded
    assert chain.token_balance(hot, token.contract) == 3
    with pytest.raises(Refused) as refused:
        chain.broadcast(rival)
    assert refused.value.reason == "nonce_used"


def test_what_offers_too_little_waits_until_it_is_replaced(world):
    place = found, chain, token, address, hot = world("BSC")
    control.mint(found, currency="USDT", recipient=address, units=100)
    control.mine(found)
    slow, fee = signed(place, 1)
    control.raise_gas_price(found, 10 * 10**9)
    chain.broadcast(slow)
    control.mine(found, 5)
    assert chain.receipt(slow.transaction_hash) is None
    assert chain.knows(slow.transaction_hash)

    better = chain.fee(Payment(address, hot, token.contract, 1), beyond=fee)
    quick, _ = signed(place, 1, nonce=0, fee=better)
    chain.broadcast(quick)
    control.mine(found)

    assert better.terms["gas_price"] >= fee.terms["gas_price"] * 1.125
    assert chain.receipt(quick.transaction_hash).succeeded


def test_a_gap_in_nonces_waits_for_what_is_missing(world):
    place = found, chain, _token, address, _hot = world("ETH")
    control.mint(found, currency="USDT", recipient=address, units=100)
    control.mine(found)
    later, _ = signed(place, 2, nonce=1)
    chain.broadcast(later)
    control.mine(found)
    assert chain.receipt(later.transaction_hash) is None

    sooner, _ = signed(place, 1, nonce=0)
    chain.broadcast(sooner)
    control.mine(found)

    assert chain.receipt(later.transaction_hash).height == chain.receipt(sooner.transaction_hash).height
    assert chain.next_nonce(address) == 2


@pytest.mark.parametrize("code", ["TRX", "SOL"])
def test_without_nonces_a_form_dies_of_age(world, code):
    found, chain, token, address, hot = world(code)
    control.mint(found, currency="USDT", recipient=address, units=100)
    control.mine(found)
    payment = Payment(address, hot, token.contract, 1)
    unsigned = chain.build(payment, nonce=None, fee=chain.fee(payment))
    transaction = keys.sign(found, "test", 0, unsigned)
    assert not chain.is_dead(unsigned.dead_after_height)

    control.mine(found, 151)

    assert chain.is_dead(unsigned.dead_after_height)
    with pytest.raises(Refused) as refused:
        chain.broadcast(transaction)
    assert refused.value.reason == "expired"
    assert chain.token_balance(hot, token.contract) == 0
    twin = chain.build(payment, nonce=None, fee=chain.fee(payment)), chain.build(payment, nonce=None, fee=chain.fee(payment))
    assert len({keys.sign(found, "test", 0, one).transaction_hash for one in twin}) == 2


def test_without_gas_nothing_is_taken(network, signer):
    found = network("TRX")
    chain, token = chain_for(found, "test"), token_for("TRX", "test", "USDT")
    place = found, chain, token, keys.address_at(found, "test", 5), keys.hot_address(found, "test")
    transaction, _ = signed(place, 1, index=5)

    with pytest.raises(Refused) as refused:
        chain.broadcast(transaction)
    assert refused.value.reason == "no_gas"
    assert not chain.knows(transaction.transaction_hash)


@pytest.mark.parametrize("code", ALL)
def test_only_the_senders_own_signature_over_exactly_this_counts(world, code):
    place = _found, chain, _token, _address, _hot = world(code)
    transaction, _ = signed(place, 12345)
    other = world("BSC" if code != "BSC" else "ETH")

    forged = [
        Signed(transaction.raw.replace("12345", "99999"), transaction.transaction_hash),
        Signed(transaction.raw, "0x" + "00" * 32),
        Signed("not json", transaction.transaction_hash),
        Signed(transaction.raw[:-10] + '00000000"}', transaction.transaction_hash),
        signed(other, 1)[0],
    ]
    for one in forged:
        with pytest.raises(Refused):
            chain.broadcast(one)
    assert not SimulatedTransaction.objects.filter(outside=False).exists()


@pytest.mark.parametrize(("kind", "error"), [
    ("timeout", NodeTimeout), ("down", NodeDown), ("busy", NodeBusy), ("null", NodeWrong), ("html", NodeWrong),
])
def test_a_bad_day_is_met_in_the_words_of_the_interface(world, kind, error):
    found, chain, token, address, _ = world("BSC")
    control.unreliable(found, 1.0, kinds=[kind])

    for call in (chain.height, lambda: chain.block(1000), lambda: to(chain, token, address, last=1000),
                 lambda: chain.receipt("0x"), lambda: chain.next_nonce(address)):
        with pytest.raises(error):
            call()
    control.reliable(found)
    assert chain.height() == 1001


def test_heights_can_lag_freeze_lie_and_go_backwards(world):
    found, chain, _token, _address, _ = world("BSC")
    control.mine(found, 20)
    head = chain.height()

    control.lag(found, 4)
    assert chain.height() == head - 4
    with pytest.raises(NodeWrong):
        chain.block(head - 3)
    control.reliable(found)
    control.lie(found, 50)
    assert chain.height() == head + 50
    with pytest.raises(NodeWrong):
        chain.block(head + 1)
    control.reliable(found)
    control.freeze(found)
    control.mine(found, 5)
    assert chain.height() == head
    control.reliable(found)
    assert chain.height() == head + 5
    control.unreliable(found, 1.0, kinds=["backwards"], calls=["height"])
    assert chain.height() == head
    assert chain.block(head).height == head


def test_an_answer_may_be_lost_after_the_broadcast_arrived(world):
    place = found, chain, _token, address, _hot = world("BSC")
    control.mint(found, currency="USDT", recipient=address, units=100)
    control.mine(found)
    transaction, _ = signed(place, 1)
    control.unreliable(found, 1.0, kinds=["lost_answer"], calls=["broadcast"])

    with pytest.raises(NodeTimeout):
        chain.broadcast(transaction)

    assert chain.knows(transaction.transaction_hash)
    control.mine(found)
    assert chain.receipt(transaction.transaction_hash).succeeded


def test_a_share_of_calls_fails_the_same_way_each_time_it_is_replayed(world):
    found, chain, _token, _address, _ = world("BSC")

    def run():
        control.unreliable(found, 0.3, seed=7)
        seen = []
        for _ in range(60):
            try:
                chain.block(1000)
                seen.append("")
            except NodeError as error:
                seen.append(type(error).__name__)
        return seen

    first = run()
    assert first == run()
    assert 5 < len([one for one in first if one]) < 40


def test_chains_of_two_networks_and_addresses_have_nothing_in_common(network):
    assert blocks.find_chain(network("BSC"), "test").pk != blocks.find_chain(network("ETH"), "test").pk
    assert Token.objects.filter(mode="test").count() == 10
    hashes = {chain_for(network(code), "test").block(1000).hash for code in ALL}
    assert len(hashes) == 5
