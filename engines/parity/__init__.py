"""The parity ladder: the same inputs through every way a network can run here, each held against the first."""
