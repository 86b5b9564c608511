"""py-ecc, a curve of other origin than the one that we sign with."""

import sys

# Its import raises the limit a hundredfold, which is where deep recursion ends in a crash.
_limit = sys.getrecursionlimit()
from py_ecc.secp256k1.secp256k1 import ecdsa_raw_recover  # noqa: E402

sys.setrecursionlimit(_limit)

__all__ = ["ecdsa_raw_recover"]
