"""Who runs the microgrid: terms, settlement, the grid connection, the community battery."""
