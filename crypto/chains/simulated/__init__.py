"""The simulated chain of every test-mode network: blocks, fees, nonces, failed receipts, reorganisations."""
