"""How households trade in the call auction: what they order, and what they learn."""
