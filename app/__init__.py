"""Peerwatt: a peer-to-peer energy market that a neighbourhood can run itself."""
