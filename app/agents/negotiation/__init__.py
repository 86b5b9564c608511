"""How two agents come to an agreement: words, prices, the protocol of either side, the post."""
