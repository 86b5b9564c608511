"""What nodes and contracts say when they refuse, as typed exceptions: one table for each.

`NODE_ERRORS` holds the words of Ganache 7.9, anvil 1.7 and geth. What a contract says is decoded by
the ABIs of all contracts, whichever of them the error comes from.
"""

import re
from collections.abc import Mapping

from eth_typing import ABI, ABIError
from eth_utils.abi import filter_abi_by_type, function_abi_to_4byte_selector
from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.abi import Signature
from app.chain.rpc import RpcError
from app.errors import ChainError, ContractRevertedError, NonceError, OutOfFundsError

# In the words of the node -> what it means. The first that is found counts.
NODE_ERRORS: tuple[tuple[re.Pattern[str], type[ChainError]], ...] = tuple(
    (re.compile(words, re.IGNORECASE), kind)
    for words, kind in (
        (r"nonce too (low|high)", NonceError),  # anvil, geth
        (r"correct nonce", NonceError),  # Ganache: "the tx doesn't have the correct nonce"
        (r"transaction underpriced", NonceError),  # Ganache on a gap; a taken nonce elsewhere
        (r"already (imported|known)|known transaction", NonceError),  # anvil, geth
        (r"insufficient (funds|balance)", OutOfFundsError),
    )
)

# In the words of the node -> the error of an execution that failed without saying why.
EXECUTION_ERRORS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(words, re.IGNORECASE), error)
    for words, error in (
        (r"out ?of ?gas", "OutOfGas"),
        (r"invalid ?(fe ?)?opcode|opcodenotfound", "InvalidOpcode"),
        (r"revert", "Reverted"),
    )
)

# Solidity's own
_BUILTIN: tuple[ABIError, ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)

_UNSAID = "Reverted"


class ErrorTable:
    """Custom errors of all contracts, by selector."""

    def __init__(self, abis: Mapping[str, ABI]) -> None:
        self._errors: dict[bytes, dict[str, Signature]] = {}
        for contract, abi in {**abis, "": _BUILTIN}.items():
            for entry in filter_abi_by_type("error", abi):
                candidates = self._errors.setdefault(function_abi_to_4byte_selector(entry), {})
                candidates[contract] = Signature.of(entry)

    def revert(
        self, data: bytes, *, contract: str = "", transaction_hash: str = ""
    ) -> ContractRevertedError:
        """The exception for what a contract returned when it reverted.

        `contract` is the one that was called. Where only one contract knows the error, the
        exception names that one.
        """
        error, arguments = _UNSAID, dict[str, object]()
        candidates = self._errors.get(data[:4], {})
        if candidates:
            if contract not in candidates and len(candidates) == 1:
                contract = next(iter(candidates)) or contract
            signature = candidates.get(contract) or next(iter(candidates.values()))
            error, arguments = signature.name, _arguments(signature, data[4:])
        elif data:
            error, arguments = encode_hex(data[:4]), {"data": data[4:]}
        return ContractRevertedError(
            error, arguments, contract=contract, transaction_hash=transaction_hash
        )

    def translate(
        self, error: RpcError, *, contract: str = "", transaction_hash: str = ""
    ) -> ChainError:
        """The typed exception for a node's answer; the answer itself where nothing fits."""
        data = _revert_data(error)
        if data:
            return self.revert(data, contract=contract, transaction_hash=transaction_hash)
        for words, kind in NODE_ERRORS:
            if words.search(error.node_message):
                return kind(error.message)
        for words, name in EXECUTION_ERRORS:
            if words.search(error.node_message):
                return ContractRevertedError(
                    name, {}, contract=contract, transaction_hash=transaction_hash
                )
        return error


def _arguments(signature: Signature, data: bytes) -> dict[str, object]:
    try:
        return signature.decode(data)
    except ChainError:
        return {"data": data}


def _revert_data(error: RpcError) -> bytes:
    if not isinstance(error.data, str) or not re.fullmatch(r"0x([0-9a-f]{2})+", error.data):
        return b""
    return decode_hex(error.data)
