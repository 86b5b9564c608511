"""Chains whose rules are newer than those that the contracts are compiled and measured for."""

import json

import pytest
from eth_hash.auto import keccak

from app.chain.contracts import BUILD
from app.chain.node import EmbeddedNode
from app.chain.rpc import Rpc
from app.privacy.lsag import tag_base

VERIFIER = "0x" + "e1" * 20
TAG_BASE = keccak(b"tagBase(bytes32)")[:4]
CONTEXT = bytes(31) + b"\x07"


@pytest.mark.parametrize("hardfork", ["berlin", "prague", "osaka"])
async def test_verifiers_have_gas_for_what_the_chain_computes(hardfork):
    """EIP-7883 (osaka) has trebled the price of an exponentiation."""
    code = json.loads((BUILD / "RingVerifier.json").read_text())["deployedBytecode"]
    call = {"to": VERIFIER, "data": "0x" + (TAG_BASE + CONTEXT).hex()}

    async with EmbeddedNode("anvil", hardfork=hardfork) as node, Rpc(node.url) as rpc:
        found = await rpc.read("eth_call", call, "latest", {VERIFIER: {"code": f"0x{code}"}})

    x, y = tag_base(CONTEXT)
    assert found == f"0x{x:064x}{y:064x}"
