"""The signed contract's views: validate, call one service or query, answer."""
