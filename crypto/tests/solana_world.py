"""A Solana runtime (LiteSVM) behind a JSON-RPC server that keeps blocks and answers in the shapes of a validator."""

from __future__ import annotations

import base64
from hashlib import sha256

from solders.account import Account
from solders.keypair import Keypair
from solders.litesvm import LiteSVM
from solders.pubkey import Pubkey
from solders.token import ID as TOKEN
from solders.token.associated import get_associated_token_address
from solders.transaction import Transaction
from solders.transaction_metadata import FailedTransactionMetadata

from crypto import base58
from crypto.tests.rpc_server import RpcError, RpcServer

GENESIS = "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"
START = 1_700_000_000
NONE = bytes(36)


class SolanaWorld:
    """`slot` is the finalized one; `skipped` slots have no block; what is sent is in the next slot."""

    def __init__(self, *mints):
        self.svm = LiteSVM()
        self.slot, self.skipped, self.mined, self.overrides = 1000, set(), [], {}
        for mint in mints:
            data = NONE + (10**15).to_bytes(8, "little") + bytes([6, 1]) + NONE
            self.svm.set_account(Pubkey.from_string(mint), Account(10**7, data, TOKEN))
        self.server = RpcServer(self.answer)

    # What tests do ------------------------------------------------------------------------------------------
    def give(self, owner, mint, units):
        """A token account with so much in it, out of nowhere."""
        account = get_associated_token_address(Pubkey.from_string(owner), Pubkey.from_string(mint))
        data = (bytes(Pubkey.from_string(mint)) + bytes(Pubkey.from_string(owner)) + units.to_bytes(8, "little") + NONE
                + b"\1" + bytes(12) + bytes(8) + NONE)
        self.svm.set_account(account, Account(2_039_280, data, TOKEN))

    def airdrop(self, owner, lamports=10**9):
        self.svm.airdrop(Pubkey.from_string(owner), lamports)

    def add(self, slot, *balances, error=None, name=""):
        """A transaction of somebody else's: (account, owner, mint, before, after)."""
        signature = base58.encode(sha256(f"{slot}{name}{balances}".encode()).digest() * 2)
        def listed(which):
            return [{"accountIndex": index, "owner": row[1], "mint": row[2], "programId": str(TOKEN),
                     "uiTokenAmount": {"amount": str(row[which]), "decimals": 6}}
                    for index, row in enumerate(balances) if row[which] is not None]

        lamports = [[0 if row[which] is None else 2_039_280 for row in balances] for which in (3, 4)]
        meta = {"err": error, "fee": 5000, "preBalances": lamports[0], "postBalances": lamports[1], "computeUnitsConsumed": 4645, "preTokenBalances": listed(3),
                "postTokenBalances": listed(4), "loadedAddresses": {"writable": [], "readonly": []}}
        keys = [row[0] for row in balances]
        self.mined.append({"slot": slot, "blockTime": START + slot, "meta": meta,
                           "transaction": {"signatures": [signature], "message": {"accountKeys": keys}}})
        return signature

    # The node -----------------------------------------------------------------------------------------------
    def answer(self, method, params):
        if method in self.overrides:
            found = self.overrides[method]
            return found(params) if callable(found) else found
        return getattr(self, method)(*params)

    def getGenesisHash(self):
        return GENESIS

    def getSlot(self, options):
        assert options == {"commitment": "finalized"}
        return self.slot

    def getBlockHeight(self, options):
        return self.slot - 400

    def getBlocks(self, first, last, options):
        assert last - first <= 500_000
        return [slot for slot in range(first, min(last, self.slot) + 1) if slot not in self.skipped]

    def blockhash(self, slot):
        return base58.encode(sha256(str(slot).encode()).digest())

    def getBlock(self, slot, options):
        if slot in self.skipped:
            raise RpcError(-32009, f"Slot {slot} was skipped, or missing in long-term storage")
        if slot > self.slot:
            raise RpcError(-32004, f"Block not available for slot {slot}")
        block = {"blockhash": self.blockhash(slot), "previousBlockhash": self.blockhash(slot - 1),
                 "blockTime": START + slot, "parentSlot": slot - 1, "blockHeight": slot - 400}
        if options["transactionDetails"] == "accounts":
            block["transactions"] = [{
                "meta": {name: value for name, value in one["meta"].items() if name != "loadedAddresses"},
                "transaction": {"signatures": one["transaction"]["signatures"], "accountKeys": [
                    {"pubkey": key, "signer": False, "writable": True, "source": "transaction"}
                    for key in one["transaction"]["message"]["accountKeys"]]},
            } for one in self.mined if one["slot"] == slot]
        return block

    def getSignaturesForAddress(self, account, options):
        if options.get("minContextSlot", 0) > self.slot:
            raise RpcError(-32016, "Minimum context slot has not been reached")
        rows = [{"signature": one["transaction"]["signatures"][0], "slot": one["slot"], "err": one["meta"]["err"]}
                for one in reversed(self.mined)
                if account in one["transaction"]["message"]["accountKeys"] and one["slot"] <= self.slot]
        names = [row["signature"] for row in rows]
        start = names.index(options["before"]) + 1 if "before" in options else 0
        return rows[start : start + options["limit"]]

    def getTransaction(self, signature, options):
        found = [one for one in self.mined if one["transaction"]["signatures"][0] == signature]
        return found[0] if found and found[0]["slot"] <= self.slot else None

    def getSignatureStatuses(self, signatures, options):
        known = {one["transaction"]["signatures"][0] for one in self.mined}
        return {"value": [{"confirmationStatus": "processed"} if name in known else None for name in signatures]}

    def getBalance(self, address, options):
        return {"value": self.svm.get_balance(Pubkey.from_string(address)) or 0}

    def getAccountInfo(self, address, options):
        account = self.svm.get_account(Pubkey.from_string(address))
        if account is None:
            return {"value": None}
        mint, owner, units = unpack(account.data)
        return {"value": {"owner": str(TOKEN), "data": {"program": "spl-token", "parsed": {"type": "account", "info": {
            "mint": mint, "owner": owner, "tokenAmount": {"amount": str(units), "decimals": 6}}}}}}

    def getMinimumBalanceForRentExemption(self, size):
        return self.svm.minimum_balance_for_rent_exemption(size)

    def getRecentPrioritizationFees(self, accounts):
        return [{"slot": self.slot, "prioritizationFee": fee} for fee in (0, 0, 5000, 20_000)]

    def getLatestBlockhash(self, options):
        return {"value": {"blockhash": str(self.svm.latest_blockhash()), "lastValidBlockHeight": self.slot - 400 + 150}}

    def sendTransaction(self, raw, options):
        assert options["encoding"] == "base64"
        transaction = Transaction.from_bytes(base64.b64decode(raw))
        keys = [str(key) for key in transaction.message.account_keys]
        before = self.token_balances(keys)
        result = self.svm.send_transaction(transaction)
        if isinstance(result, FailedTransactionMetadata):
            raise RpcError(-32002, f"Transaction simulation failed: {in_words(result.err())}")
        signature = str(transaction.signatures[0])
        self.svm.expire_blockhash()
        after = self.token_balances(keys)
        rows = [(key, (after.get(key) or before[key])[1], (after.get(key) or before[key])[0],
                 before[key][2] if key in before else None, after[key][2] if key in after else None)
                for key in keys if key in before or key in after]
        self.add(self.slot + 1, *rows)
        self.mined[-1]["transaction"]["signatures"] = [signature]
        self.mined[-1]["meta"]["fee"] = 5000
        self.slot += 1
        return signature

    def token_balances(self, keys):
        found = {}
        for key in keys:
            account = self.svm.get_account(Pubkey.from_string(key))
            if account is not None and account.owner == TOKEN and len(account.data) == 165:
                found[key] = unpack(account.data)
        return found


def unpack(data):
    return str(Pubkey(data[:32])), str(Pubkey(data[32:64])), int.from_bytes(data[64:72], "little")


def in_words(error):
    text = str(error)
    for found, words in (
        ("AlreadyProcessed", "This transaction has already been processed"),
        ("BlockhashNotFound", "Blockhash not found"),
        ("AccountNotFound", "Attempt to debit an account but found no record of a prior credit."),
        ("InsufficientFundsForFee", "Insufficient funds for fee"), ("InsufficientFundsForRent", "insufficient funds for rent"),
    ):
        if found in text or words in text:
            return words
    return text


def fresh_address():
    return str(Keypair().pubkey())
