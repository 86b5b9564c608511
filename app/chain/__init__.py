"""The chain: nodes, senders, contracts and errors. Nothing else in Peerwatt speaks to a node."""
