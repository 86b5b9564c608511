"""Relays what users without gas have signed: requests to the market, its auction, the consortium or
the treasury (ERC-2771), and permits.
"""

from eth_utils.address import to_checksum_address
from eth_utils.hexadecimal import decode_hex, encode_hex

from app.chain.contracts import Contract
from app.chain.gas import MAX_RELAYED_GAS, RELAY_OVERHEAD, bound_of
from app.chain.rpc import RpcError
from app.errors import ConflictError, ContractRevertedError, ForbiddenError, InputError
from app.ledger.chain import AUCTION, FORWARDER, MARKET, PAYMENT, TREASURY, ChainLedger
from app.ledger.consortium import CONSORTIUM
from app.ledger.types import Address, Receipt
from app.market.typed_data import (
    ForwardRequest,
    Permit,
    forward_request_digest,
    permit_digest,
    recover,
)

# What is relayed to; the market is the one that is meant where nothing is said.
_TARGETS = (MARKET, AUCTION, CONSORTIUM, TREASURY)


class Relayer:
    """Pays with `account` for what others have signed."""

    def __init__(self, ledger: ChainLedger, account: Address) -> None:
        self.account = account
        self._ledger = ledger

    async def request(
        self,
        signer: Address,
        function: str,
        *arguments: object,
        lifetime: int,
        contract: str = MARKET,
    ) -> ForwardRequest:
        """What `signer` has to sign to call a function of the market, or of another contract.

        It holds once, and for `lifetime` seconds of the ledger's time.
        """
        target = self._ledger.contracts[contract]
        return ForwardRequest(
            sender=signer,
            to=target.address,
            gas=bound_of(function).of(),
            nonce=await self.nonce_of(signer),
            deadline=self._ledger.now() + lifetime,
            data=target.encode(function, *arguments),
        )

    async def relay(self, request: ForwardRequest, signature: bytes) -> Receipt:
        """Executes a signed request. The receipt's function is the one that the user has called.

        Before any gas is spent it raises InputError for a call that is not relayed at all,
        ForbiddenError for a signature that is not the sender's, ConflictError for a request that
        was used or has expired, and ContractRevertedError with the contract's own error.
        """
        function = self._function_of(request)
        digest = forward_request_digest(self._ledger.forwarder_domain, request)
        if recover(digest, signature) != to_checksum_address(request.sender):
            raise ForbiddenError(f"the request is not signed by {request.sender}")
        if await self.nonce_of(request.sender) != request.nonce:
            raise ConflictError(
                f"the request's nonce, {request.nonce}, is not the next one",
                hint="ask for a new request and sign that",
            )
        row = (
            request.sender,
            request.to,
            request.value,
            request.gas,
            request.deadline,
            request.data,
            signature,
        )
        if not await self._ledger.read(FORWARDER, "verify", row):
            raise ConflictError(
                "the request has expired", hint="ask for a new request and sign that"
            )
        await self._try(request)
        data = self._ledger.contracts[FORWARDER].encode("execute", row)
        gas = request.gas + RELAY_OVERHEAD
        try:
            return await self._ledger.send(self.account, FORWARDER, function, data, gas)
        except ContractRevertedError:
            # The forwarder keeps the contract's error to itself.
            await self._try(request)
            raise

    async def permit(self, permit: Permit, signature: bytes) -> Receipt:
        """Submits an allowance of payment tokens; ForbiddenError if it isn't its owner's."""
        digest = permit_digest(self._ledger.payment_domain, permit)
        if recover(digest, signature) != to_checksum_address(permit.owner):
            raise ForbiddenError(f"the permit is not signed by {permit.owner}")
        return await self._ledger.write(
            self.account,
            PAYMENT,
            "permit",
            permit.owner,
            permit.spender,
            permit.value,
            permit.deadline,
            signature[64],
            signature[:32],
            signature[32:64],
        )

    async def nonce_of(self, signer: Address) -> int:
        """The nonce of a signer's next request."""
        return int(await self._ledger.read(FORWARDER, "nonces", signer))

    async def permit_nonce_of(self, owner: Address) -> int:
        """The nonce of an owner's next permit."""
        return int(await self._ledger.read(PAYMENT, "nonces", owner))

    def target_of(self, request: ForwardRequest) -> Contract:
        """The contract that a request calls; InputError where nothing is relayed to it."""
        contracts = self._ledger.contracts
        found = contracts.at(request.to)
        if found is None or found.name not in _TARGETS:
            market = contracts[MARKET].address
            rule = f"is the market, {market}, its auction, the consortium or the treasury"
            raise InputError("to", rule, request.to)
        return found

    def _function_of(self, request: ForwardRequest) -> str:
        called = self.target_of(request).read_input(request.data)
        if request.value != 0:
            raise InputError("value", "is 0", request.value)
        if request.gas > MAX_RELAYED_GAS:
            raise InputError("gas", f"is at most {MAX_RELAYED_GAS}", request.gas)
        if called is None:
            raise InputError("data", "calls a function of it", encode_hex(request.data[:4]))
        return called[0]

    async def _try(self, request: ForwardRequest) -> None:
        """Makes the call as the forwarder would; raises what the contract says."""
        ledger = self._ledger
        call = {
            "from": ledger.contracts[FORWARDER].address,
            "to": request.to,
            "data": encode_hex(request.data + decode_hex(request.sender)),
            "gas": hex(request.gas),
        }
        try:
            await ledger.rpc.read("eth_call", call, "latest")
        except RpcError as error:
            contract = self.target_of(request).name
            raise ledger.contracts.errors.translate(error, contract=contract) from error
