"""Cryptography of private trading: pure functions, no input or output, nobody's audit yet.

`docs/privacy.md` says what is hidden from whom, and writes every transcript down.
Nothing here runs in constant time: secrets belong on a machine that only their owner measures.
"""
