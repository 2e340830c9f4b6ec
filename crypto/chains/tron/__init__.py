"""Tron by a full node's plain JSON API. Transactions are encoded here; a node is asked for facts alone."""
