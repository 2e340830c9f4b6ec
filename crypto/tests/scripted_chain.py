"""A chain that does what a test says: its node forgets, refuses, times out, and mines when told to.

Nonces are strict or absent (`uses_nonces`); funds never end. `asked` tells every broadcast's hash.
"""

from __future__ import annotations

from datetime import UTC, datetime

from crypto.chains.base import Block, Fee, Receipt, Refused, Signed, Transfer, Unsigned


class ScriptedChain:
    def __init__(self, *, uses_nonces=True):
        self.uses_nonces = uses_nonces
        self.head, self.branch = 100, 0
        self.known, self.mined = {}, {}  # hash → payload; hash → height
        self.asked, self.answers = [], []  # what was broadcast; what to answer next: an exception, or None
        self.foreign_nonces, self.balance, self.coins = 0, 10**40, 10**40
        self.hide_receipts, self.checks = False, 0
        self.others = []  # further nodes: what each makes of this one's receipt
        self.succeeds, self.moves_units = True, None

    # Reading
    def height(self):
        return self.head

    def heights(self):
        return [self.head] * (1 + len(self.others))

    def is_dead(self, dead_after_height):
        return self.head > dead_after_height

    def check_again(self):
        self.checks += 1

    def block(self, height):
        return Block(height, f"b{height}.{self.branch}", f"b{height - 1}.{self.branch}", datetime(2026, 1, 1, tzinfo=UTC))

    def transfers(self, first, last, *, contracts, recipients):
        return []

    def receipt(self, transaction_hash):
        height = self.mined.get(transaction_hash)
        if height is None or self.hide_receipts or height > self.head:
            return None
        payment = self.known[transaction_hash]
        moved = Transfer(
            transaction_hash, 0, height, f"b{height}.{self.branch}", payment["contract"] or "", payment["sender"],
            payment["recipient"], payment["units"] if self.moves_units is None else self.moves_units,
        )
        return Receipt(
            transaction_hash, height, f"b{height}.{self.branch}", datetime(2026, 1, 1, tzinfo=UTC), self.succeeds,
            21 * 10**12, 21_000, 10**9, (moved,) if self.succeeds and payment["contract"] else (),
        )

    def receipts(self, transaction_hash):
        others = [other(self.receipt(transaction_hash)) for other in self.others]
        return [self.receipt(transaction_hash), *others]

    def knows(self, transaction_hash):
        return transaction_hash in self.known

    def token_balance(self, address, contract):
        return self.balance

    def native_balance(self, address):
        return self.coins

    def next_nonce(self, address):
        used = [self.known[each]["nonce"] for each in self.mined if self.known[each]["sender"] == address]
        return self.foreign_nonces + len(used)

    # Sending
    def fee(self, payment, *, beyond=None):
        return Fee({"price": 10 if beyond is None else beyond.terms["price"] + 2}, 1000)

    def build(self, payment, *, nonce, fee):
        payload = {
            "sender": payment.sender, "recipient": payment.recipient, "contract": payment.contract,
            "units": payment.units, "nonce": nonce, "price": fee.terms["price"], "head": self.head,
        }
        return Unsigned(payload, None if self.uses_nonces else self.head + 10)

    def broadcast(self, signed: Signed):
        import json

        self.asked.append(signed.transaction_hash)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, tuple):  # it arrived, and then this
            self.known[signed.transaction_hash] = json.loads(signed.raw)
            answer = answer[0]
        if answer is not None:
            raise answer
        self.known[signed.transaction_hash] = json.loads(signed.raw)

    # The test's hands
    def mine(self, transaction_hash, blocks=1):
        payload = self.known[transaction_hash]
        if self.uses_nonces and payload["nonce"] != self.next_nonce(payload["sender"]):
            raise Refused("not its turn")
        self.head += 1
        self.mined[transaction_hash] = self.head
        self.head += blocks - 1

    def orphan(self, transaction_hash):
        """Its block vanishes, and the node forgets it."""
        self.branch += 1
        del self.mined[transaction_hash]
        del self.known[transaction_hash]


def sign(network, mode, index, unsigned):
    """A signature of a kind: the same payload always has the same hash."""
    import json
    from hashlib import sha256

    raw = json.dumps(unsigned.payload, sort_keys=True)
    return Signed(raw, "0x" + sha256(raw.encode()).hexdigest())
