"""Which functions of a contract change something, what they answer, and who may call them."""

import re
from collections.abc import Collection
from pathlib import Path

from brownie.exceptions import VirtualMachineError

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "access.md"


def writes(contract):
    """The functions of a contract that can change something."""
    return {
        entry["name"]: entry
        for entry in contract.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }


def some_value(argument):
    """Anything that the ABI accepts."""
    kind = argument["type"]
    if kind.endswith("[]"):
        return []
    if kind.endswith("]"):
        kind, _, length = kind[:-1].rpartition("[")
        return [some_value({**argument, "type": kind})] * int(length)
    if kind == "tuple":
        return tuple(some_value(component) for component in argument["components"])
    if kind == "address":
        return "0x" + "1" * 40
    if kind.startswith("bytes"):
        return b"\x01" * int(kind[5:] or 1)
    return {"string": "x", "bool": True}.get(kind, 1)


def some_call(contract, entry, caller):
    arguments = [some_value(argument) for argument in entry["inputs"]]
    return getattr(contract, entry["name"]).call(*arguments, {"from": caller})


def refusal(contract, entry, caller):
    """The error that a call ends with; empty if it passes."""
    try:
        some_call(contract, entry, caller)
    except VirtualMachineError as exc:
        return exc.revert_msg
    return ""


def documented_roles(contracts: Collection[str]):
    """The role that the page names for each function of these contracts; empty where everybody may
    call it."""
    rows = [
        row
        for row in re.findall(
            r"^\| (\w+) +\| `(\w+)` +\| (.+?) +\|$", DOCUMENT.read_text(), re.MULTILINE
        )
        if row[0] in contracts
    ]
    roles = {
        (contract, function): re.match(r"[A-Z]{2,}|", who)[0] for contract, function, who in rows
    }
    assert len(roles) == len(rows)
    return roles
