"""How a street's members come to the market: meters certified, accounts known, money deposited.

Every step looks at what the ledger has already, so that a street that was stopped half-way, or runs
again on the same chain, does only what is missing.
"""

from collections.abc import AsyncIterator, Mapping

from eth_hash.auto import keccak

from app.agents.directory import Directory, Member
from app.errors import ContractRevertedError
from app.ledger.protocol import Ledger
from app.ledger.types import Address, ParticipantInfo, Receipt

CERTIFICATE_SECONDS = 5 * 365 * 86_400


async def enrol_members(
    ledger: Ledger, directory: Directory, run: str, endpoints: Mapping[str, str]
) -> AsyncIterator[Receipt]:
    """Enrols all members; `endpoints` says where each negotiates, `run` names the bank's transfers.

    Yields a receipt for each write.
    """
    for member in directory.members:
        known = await ledger.participant_info(member.account)
        info = ParticipantInfo(
            endpoint=endpoints[member.name],
            household_id=member.name.encode().ljust(32, b"\0"),
            meter=member.meter,
        )
        if not known.endpoint:
            yield await _certify(ledger, directory, member)
            async for receipt in _fund(ledger, directory, run, member.account, member.deposit):
                yield receipt
        if known != info:
            yield await ledger.publish_info(member.account, info)


async def fund_treasury(
    ledger: Ledger, directory: Directory, run: str, amount: int
) -> AsyncIterator[Receipt]:
    """Gives the operator's treasury its first money, once."""
    treasury = directory.offices.treasury
    async for receipt in _fund(ledger, directory, run, treasury, amount):
        yield receipt


async def _certify(ledger: Ledger, directory: Directory, member: Member) -> Receipt:
    return await ledger.certify(
        directory.offices.auditor,
        member.meter,
        member.account,
        member.kind,
        ledger.now() + CERTIFICATE_SECONDS,
    )


async def _fund(
    ledger: Ledger, directory: Directory, run: str, holder: Address, amount: int
) -> AsyncIterator[Receipt]:
    """Mints money against a transfer that happens once, and deposits what is not in the market."""
    if amount == 0:
        return
    reference = keccak(f"{run}: first deposit of {holder}".encode())
    try:
        yield await ledger.mint_payment(directory.offices.treasurer, holder, amount, reference)
    except ContractRevertedError as error:
        if error.error != "ReferenceUsed":
            raise
    outside = await ledger.payment_balance_of(holder)
    if outside:
        yield await ledger.deposit(holder, outside)
