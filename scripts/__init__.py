"""Scripts for `brownie run`."""
