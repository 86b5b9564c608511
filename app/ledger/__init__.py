"""Where agreements and money live: the contracts on a chain, or a model of them."""
