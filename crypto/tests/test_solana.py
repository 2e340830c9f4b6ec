"""The Solana adapter: its transactions run by the real programs (LiteSVM), its reading against recorded shapes."""

import base64
import json

import pytest
from solders.pubkey import Pubkey
from solders.transaction import Transaction

from crypto.chains.base import NodeBusy, NodeTimeout, NodeWrong, Payment, Refused
from crypto.chains.solana import scan
from crypto.chains.solana.chain import SolanaChain
from crypto.chains.solana.programs import token_account
from crypto.chains.solana.signing import SolanaSigner
from crypto.tests.solana_world import SolanaWorld, fresh_address

pytestmark = pytest.mark.django_db
KEY = bytes(range(1, 33))
ME = SolanaSigner().address(KEY)
FRIEND = "HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk"
USDT = "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"
USDC = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"


@pytest.fixture
def world():
    world = SolanaWorld(USDT, USDC)
    yield world
    world.server.close()


@pytest.fixture
def solana(network, world):
    return SolanaChain(network("SOL"), "live", [world.server.url])


@pytest.fixture(params=["by account", "by block"])
def way(request, monkeypatch):
    monkeypatch.setattr(scan, "_BLOCK_WEIGHT", 10**6 if request.param == "by account" else 0)


def seen(chain, first=900, last=1000, contracts=(USDT, USDC)):
    return chain.transfers(first, last, contracts=contracts, recipients=[ME])


def credit(units, *, owner=ME, mint=USDT, before=0, account=None):
    return (account or token_account(owner, mint), owner, mint, before, before + units)


def debit(units, owner=FRIEND, mint=USDT):
    return (token_account(owner, mint), owner, mint, units, 0)


# Sending, by the real programs -----------------------------------------------------------------------------------
def send(chain, payment):
    signed = SolanaSigner().sign(chain.build(payment, nonce=None, fee=chain.fee(payment)), KEY)
    chain.broadcast(signed)
    return signed


def test_a_token_transfer_makes_the_recipients_account_and_is_read_back(world, solana):
    world.airdrop(ME)
    world.give(ME, USDT, 5_000_000)
    recipient = fresh_address()
    assert solana.token_balance(recipient, USDT) == 0

    signed = send(solana, Payment(ME, recipient, USDT, 2_000_000))

    assert solana.token_balance(recipient, USDT) == 2_000_000
    assert solana.token_balance(ME, USDT) == 3_000_000
    receipt = solana.receipt(signed.transaction_hash)
    assert receipt.succeeded
    (moved,) = receipt.transfers
    assert (moved.sender, moved.recipient, moved.contract, moved.units) == (ME, recipient, USDT, 2_000_000)
    assert solana.knows(signed.transaction_hash)
    solana.broadcast(signed)  # known already: no harm
    assert solana.token_balance(recipient, USDT) == 2_000_000
    found = solana.transfers(1000, 1001, contracts=[USDT], recipients=[recipient])
    assert [(one.transaction_hash, one.units, one.height) for one in found] == [(signed.transaction_hash, 2_000_000, 1001)]


def test_a_second_transfer_costs_no_new_account(world, solana):
    world.airdrop(ME)
    world.give(ME, USDT, 5_000_000)
    payment = Payment(ME, FRIEND, USDT, 1)
    first = solana.fee(payment)
    send(solana, payment)

    assert first.most - solana.fee(payment).most == 2_039_280
    send(solana, payment)
    assert solana.token_balance(FRIEND, USDT) == 2


def test_the_rent_of_an_account_that_was_made_is_part_of_what_it_cost(world, solana):
    """The sender never has it back, so without it the books hold more coin than the chain."""
    world.airdrop(ME)
    world.give(ME, USDT, 5_000_000)
    payment, recipient = Payment(ME, FRIEND, USDT, 1), fresh_address()

    fees = [solana.receipt(send(solana, payment).transaction_hash).fee for _ in range(2)]
    coin = solana.receipt(send(solana, Payment(ME, recipient, None, 5_000_000)).transaction_hash)

    assert fees == [2_039_280 + 5000, 5000]
    assert coin.fee == 5000  # what was sent is no fee


def test_what_a_fee_says_is_enough_to_begin_with(world, solana):
    """An address that was given exactly `most` can pay for its sweep, and is not left below its rent."""
    world.give(ME, USDT, 7)
    payment = Payment(ME, FRIEND, USDT, 7)
    world.airdrop(ME, solana.fee(payment).most)

    send(solana, payment)

    assert solana.token_balance(FRIEND, USDT) == 7
    assert solana.native_balance(ME) >= world.svm.minimum_balance_for_rent_exemption(0)


def test_native_coin_is_sent_as_it_is(world, solana):
    world.airdrop(ME)
    recipient = fresh_address()

    send(solana, Payment(ME, recipient, None, 5_000_000))

    assert solana.native_balance(recipient) == 5_000_000


def test_a_refusal_says_why(world, solana):
    payment = Payment(ME, FRIEND, USDT, 5)
    with pytest.raises(Refused) as refused:
        send(solana, payment)
    assert refused.value.reason == "no_gas"

    world.airdrop(ME)
    world.give(ME, USDT, 4)
    with pytest.raises(Refused) as refused:
        send(solana, payment)  # more than there is
    assert refused.value.reason == "other"

    world.give(ME, USDT, 5)
    old = SolanaSigner().sign(solana.build(payment, nonce=None, fee=solana.fee(payment)), KEY)
    world.svm.expire_blockhash()
    with pytest.raises(Refused) as refused:
        solana.broadcast(old)
    assert refused.value.reason == "expired"
    assert solana.token_balance(FRIEND, USDT) == 0


def test_the_signed_bytes_say_exactly_our_payment(world, solana):
    payment = Payment(ME, FRIEND, USDT, 123_456)
    unsigned = solana.build(payment, nonce=None, fee=solana.fee(payment))
    json.dumps(unsigned.payload)  # it is kept as JSON

    signed = SolanaSigner().sign(unsigned, KEY)

    transaction = Transaction.from_bytes(base64.b64decode(signed.raw))
    transaction.verify()
    message = transaction.message
    keys = [str(key) for key in message.account_keys]
    assert keys[0] == ME
    assert message.header.num_required_signatures == 1
    moves = [one for one in message.instructions if keys[one.program_id_index] == "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"]
    (move,) = moves
    assert [keys[index] for index in bytes(move.accounts)] == [token_account(ME, USDT), USDT, token_account(FRIEND, USDT), ME]
    assert bytes(move.data) == bytes([12]) + (123_456).to_bytes(8, "little") + bytes([6])
    assert signed.transaction_hash == str(transaction.signatures[0])


def test_two_equal_payments_under_one_block_hash_are_two_transactions(world, solana):
    payment = Payment(ME, FRIEND, USDT, 5)
    fee = solana.fee(payment)

    assert len({SolanaSigner().sign(solana.build(payment, nonce=None, fee=fee), KEY).transaction_hash for _ in range(20)}) == 20


def test_a_form_is_dead_by_the_count_of_blocks_not_by_slots(world, solana):
    payment = Payment(ME, FRIEND, USDT, 5)
    dead_after = solana.build(payment, nonce=None, fee=solana.fee(payment)).dead_after_height

    assert solana.height() > dead_after  # slots: they say nothing about it
    world.slot += 150
    assert not solana.is_dead(dead_after)
    world.slot += 1
    assert solana.is_dead(dead_after)


def test_only_the_senders_key_signs(world, solana):
    payment = Payment(FRIEND, ME, None, 5)
    with pytest.raises(ValueError, match="not the sender's"):
        SolanaSigner().sign(solana.build(payment, nonce=None, fee=solana.fee(payment)), KEY)


def test_a_price_beyond_the_ceiling_is_not_believed(world, solana):
    world.overrides["getMinimumBalanceForRentExemption"] = 10**9
    with pytest.raises(NodeWrong, match="ceiling"):
        solana.fee(Payment(ME, FRIEND, USDT, 5))


# Reading ---------------------------------------------------------------------------------------------------------
def test_credits_of_our_token_accounts_are_found_either_way(world, solana, way):
    paid = world.add(950, debit(9), credit(5), credit(4, mint=USDC))
    world.add(951, credit(3), error={"InstructionError": [2, {"Custom": 1}]}, name="failed")
    world.add(951, credit(3, mint=FRIEND), name="fake")
    world.add(951, credit(3, owner=FRIEND), name="somebody else's")
    world.add(952, credit(3, account=fresh_address()), name="not the associated account")
    world.add(953, credit(0), name="nothing")
    later = world.add(1000, credit(7, before=5), name="later")
    world.add(899, credit(1), name="before")
    world.skipped = {954, 955}

    found = seen(solana)

    assert [(one.transaction_hash, one.height, one.contract, one.units) for one in found] == [
        (paid, 950, USDT, 5), (paid, 950, USDC, 4), (later, 1000, USDT, 7)
    ]
    assert [one.position for one in found] == [0, 1, 0]
    assert found[0].sender == FRIEND
    assert found[0].block_hash == world.blockhash(950) == solana.block(950).hash


def test_a_new_account_and_one_loaded_from_a_table_count(world, solana, way):
    account = token_account(ME, USDT)
    world.add(950, (account, ME, USDT, None, 6))
    (found,) = seen(solana)
    assert found.units == 6


def test_long_histories_are_read_page_by_page(world, solana, monkeypatch):
    monkeypatch.setattr(scan, "_PAGE", 3)
    hashes = [world.add(900 + number, credit(1), name=str(number)) for number in range(20)]

    assert [one.transaction_hash for one in seen(solana, first=905, last=915)] == hashes[5:16]


def test_a_slot_without_a_block_is_shown_as_the_block_before_it(world, solana):
    world.skipped = {997, 998}

    assert solana.block(998).hash == world.blockhash(996)
    assert (solana.block(998).height, solana.block(999).hash) == (998, world.blockhash(999))


def test_a_block_beyond_what_is_final_is_not_there(world, solana):
    with pytest.raises(NodeWrong, match="has not got to"):
        solana.block(1001)


def test_nothing_beyond_what_is_final_is_told(world, solana, way):
    world.add(1001, credit(5))

    with pytest.raises(NodeWrong, match="has not got to"):
        seen(solana, last=1001)
    assert seen(solana) == []
    world.slot = 1001
    assert [one.units for one in seen(solana, last=1001)] == [5]


@pytest.mark.parametrize(("method", "answer"), [
    ("getTransaction", None), ("getBlock", None), ("getBlocks", None), ("getSlot", None), ("getSlot", "1000"),
])
def test_null_is_no_answer(world, solana, way, method, answer):
    world.add(950, credit(5))
    solana.height()
    world.overrides[method] = answer

    if method == "getTransaction" and scan._BLOCK_WEIGHT == 0:
        return  # blocks hold their transactions
    if method == "getBlocks" and scan._BLOCK_WEIGHT:
        with pytest.raises(NodeWrong):
            solana.block(950)
        return
    with pytest.raises(NodeWrong):
        seen(solana)


def test_a_transaction_nobody_knows(world, solana):
    unknown = "5" * 87

    assert solana.receipt(unknown) is None
    assert not solana.knows(unknown)


@pytest.mark.parametrize(("trouble", "error"), [
    (b"<html>sorry</html>", NodeWrong), (b"{}", NodeWrong), (429, NodeBusy), (502, NodeTimeout), ("redirect", NodeWrong),
    (b'{"jsonrpc":"2.0","id":0,"error":{"code":-32005,"message":"Node is behind by 42 slots"}}', NodeBusy),
    (b'{"jsonrpc":"2.0","id":0,"error":{"code":-32016,"message":"Minimum context slot has not been reached"}}', NodeWrong),
    (b'{"jsonrpc":"2.0","id":0,"result":-5}', NodeWrong), (b'{"jsonrpc":"2.0","id":0,"result":true}', NodeWrong),
])
def test_bad_answers_are_errors(world, solana, trouble, error):
    solana.height()
    world.server.trouble.append(trouble)

    with pytest.raises(error):
        solana.height()
    assert solana.height() == 1000


def test_a_node_of_another_cluster_is_refused(network, world):
    chain = SolanaChain(network("SOL"), "live", [world.server.url], genesis="1" * 32)

    with pytest.raises(NodeWrong, match="another cluster"):
        chain.height()
    assert set(world.server.calls) == {"getGenesisHash"}
    assert str(Pubkey.from_string(ME)) == ME
