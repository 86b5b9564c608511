"""Scenarios: what a street is made of, what its meters would see, and what a run has shown."""
