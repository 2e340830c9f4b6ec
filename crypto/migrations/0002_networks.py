"""The networks and tokens the gateway begins with; an operator may add rows or change what costs and waits."""

from hashlib import sha256

from django.db import migrations

from crypto import base58

# code, name, family, fee model, chain id, confirmations, block time (ms), coin, its decimals, explorer, paths, span,
# the most that one transaction may cost (in the coin's 9 places)
NETWORKS = [
    ("BSC", "BNB Smart Chain", "evm", "legacy", 56, 12, 750, "BNB", 18, "https://bscscan.com", "/tx/{}", "/address/{}", 500, 10**7),
    ("ETH", "Ethereum", "evm", "eip1559", 1, 12, 12000, "ETH", 18, "https://etherscan.io", "/tx/{}", "/address/{}", 200, 3 * 10**7),
    ("POL", "Polygon", "evm", "eip1559", 137, 64, 2000, "POL", 18, "https://polygonscan.com", "/tx/{}", "/address/{}", 500, 3 * 10**9),
    ("TRX", "Tron", "tron", "tron", None, 19, 3000, "TRX", 6, "https://tronscan.org", "/#/transaction/{}", "/#/address/{}", 100, 60 * 10**9),
    ("SOL", "Solana", "solana", "solana", None, 32, 400, "SOL", 9, "https://solscan.io", "/tx/{}", "/account/{}", 500, 10**7),
]
# network, currency, mainnet contract, decimals, least sum worth sweeping (10⁻⁸)
TOKENS = [
    ("BSC", "USDT", "0x55d398326f99059ff775485246999027b3197955", 18, 5 * 10**8),
    ("BSC", "USDC", "0x8ac76a51cc950d9822d68b83fe1ad97b32cd580d", 18, 5 * 10**8),
    ("ETH", "USDT", "0xdac17f958d2ee523a2206206994597c13d831ec7", 6, 50 * 10**8),
    ("ETH", "USDC", "0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48", 6, 50 * 10**8),
    ("POL", "USDT", "0xc2132d05d31c914a87c6611c10748aeb04b58e8f", 6, 5 * 10**8),
    ("POL", "USDC", "0x3c499c542cef5e3811e1192ce70d8cc03d5c3359", 6, 5 * 10**8),
    ("TRX", "USDT", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", 6, 20 * 10**8),
    ("TRX", "USDC", "TEkxiTehnzSmSe2XqrBj4w32RUN966rdz8", 6, 20 * 10**8),
    ("SOL", "USDT", "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB", 6, 5 * 10**8),
    ("SOL", "USDC", "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", 6, 5 * 10**8),
]
FIELDS = (
    "name", "family", "fee_model", "chain_id", "confirmations", "block_milliseconds", "native", "native_decimals",
    "explorer", "transaction_path", "address_path", "scan_span", "fee_ceiling_minor",
)


def fill(apps, schema_editor):
    networks, tokens = apps.get_model("crypto", "Network").objects, apps.get_model("crypto", "Token").objects
    for position, (code, *values) in enumerate(NETWORKS):
        networks.get_or_create(code=code, defaults={"position": position, **dict(zip(FIELDS, values, strict=True))})
    for code, currency, contract, decimals, least in TOKENS:
        for mode, address in (("live", contract), ("test", simulated_contract(code, currency))):
            tokens.get_or_create(
                network_id=code, mode=mode, currency=currency,
                defaults={"contract": address, "decimals": decimals, "sweep_minimum_minor": least},
            )


def simulated_contract(code, currency):
    """A contract of the simulated chain, spelled as its network spells one."""
    digest = sha256(f"simulated {code} {currency}".encode()).digest()
    if code == "TRX":
        return base58.encode_check(b"\x41" + digest[:20])
    return base58.encode(digest) if code == "SOL" else "0x" + digest[:20].hex()


class Migration(migrations.Migration):
    dependencies = [("crypto", "0001_initial")]
    operations = [migrations.RunPython(fill, migrations.RunPython.noop, elidable=False)]
