"""How a street's members come to the market: meters certified, accounts known, money deposited.

Every step looks at what the ledger has already, so that a street that was stopped half-way, or runs
again on the same chain, does only what is missing.
"""

from collections.abc import AsyncIterator, Mapping, Sequence

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


async def bring_money(
    ledger: Ledger,
    treasurers: Sequence[Address],
    holder: Address,
    amount: int,
    reference: bytes,
) -> list[Receipt]:
    """Lets treasurers confirm a transfer to the bank until it has become tokens.

    Passes over who has confirmed it before, and over a transfer that is on the books already.
    """
    receipts: list[Receipt] = []
    for treasurer in treasurers:
        try:
            receipts.append(await ledger.confirm_deposit(treasurer, holder, amount, reference))
        except ContractRevertedError as error:
            if error.error == "BankReferenceUsed":
                break
            if error.error != "AlreadyConfirmed":
                raise
            continue
        if receipts[-1].result:
            break
    return receipts


async def _certify(ledger: Ledger, directory: Directory, member: Member) -> Receipt:
    return await ledger.certify(
        directory.offices.auditors[0],
        member.meter,
        member.account,
        member.kind,
        ledger.now() + CERTIFICATE_SECONDS,
    )


async def _fund(
    ledger: Ledger, directory: Directory, run: str, holder: Address, amount: int
) -> AsyncIterator[Receipt]:
    """Brings money by a transfer that happens once, and deposits what is not in the market."""
    if amount == 0:
        return
    reference = keccak(f"{run}: first deposit of {holder}".encode())
    treasurers = directory.offices.treasurers
    for receipt in await bring_money(ledger, treasurers, holder, amount, reference):
        yield receipt
    outside = await ledger.payment_balance_of(holder)
    if outside:
        yield await ledger.deposit(holder, outside)
