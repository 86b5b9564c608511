"""The market as pure functions: units, windows, orders, clearing, settlement. No I/O."""
