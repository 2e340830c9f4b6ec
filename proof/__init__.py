"""`make proof`: the experiments that are too long, or too violent, for every `make test`."""
