"""Speed, as ratios to the same work in plain SQL, measured side by side in one run. See `python -m bench --help`."""
