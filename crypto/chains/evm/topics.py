"""The topic of a Transfer event, which Tron shares. Imports no library."""

# keccak256("Transfer(address,address,uint256)")
TRANSFER = bytes.fromhex("ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef")
