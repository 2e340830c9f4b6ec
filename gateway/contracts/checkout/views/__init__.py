"""The checkout contract's calls, by resource."""
