"""Statements and proofs as the contracts take them: tuples of what Python's dataclasses hold."""

from collections.abc import Callable
from typing import Any

from brownie.exceptions import VirtualMachineError

from app.privacy.bulletproofs import RangeProof, RangeStatement
from tests.privacy.encoding import encode

REJECTED = (False, "PointInvalid", "ScalarTooLarge")
"""What a verifier may make of something that is no proof."""


def as_abi(value: Any) -> Any:
    """Structs in the order of their fields."""
    return from_json(encode(value))


def from_json(encoded: Any) -> Any:
    if isinstance(encoded, dict):
        return tuple(from_json(item) for item in encoded.values())
    if isinstance(encoded, list):
        return [from_json(item) for item in encoded]
    return encoded


def claim_of(statement: RangeStatement, proof: RangeProof) -> tuple[Any, ...]:
    """What is claimed and its proof, in one struct."""
    return (*as_abi(statement), as_abi(proof))


def answer(call: Callable[..., Any], *arguments: Any) -> Any:
    """What a view function answers, or the name of the error that it reverts with."""
    try:
        return call(*arguments)
    except VirtualMachineError as error:
        return str(error.revert_msg).partition(":")[0]
