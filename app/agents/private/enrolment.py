"""How a street's households come to private trading: members, keys, notes of money.

As in the open market every step looks at what is there already.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace

from eth_hash.auto import keccak

from app.agents.directory import Directory
from app.agents.enrolment import bring_money, enrol_members
from app.agents.private.access import PrivateAccess
from app.agents.private.household import PrivateHousehold
from app.ledger.consortium import MEMBERSHIP, ProposedCall, decide_all
from app.ledger.types import Receipt

# So many notes a deposit becomes, each of which can pay while another is under way.
FIRST_NOTES = 4


async def enrol_in_private(
    access: PrivateAccess,
    directory: Directory,
    run: str,
    endpoints: Mapping[str, str],
    households: Sequence[PrivateHousehold],
) -> AsyncIterator[Receipt]:
    """Enrols all households; `endpoints` and `run` as of `enrol_members`.

    Whose key is published has brought its money before. Yields a receipt for each write.
    """
    ledger = access.private.ledger
    async for receipt in _admit(access, directory):
        yield receipt
    without_deposits = tuple(replace(member, deposit=0) for member in directory.members)
    public = replace(directory, members=without_deposits)
    async for receipt in enrol_members(ledger, public, run, endpoints):
        yield receipt
    deposits = {member.account: member.deposit for member in directory.members}
    for household in households:
        account, key = household.account, household.wallet.member
        if await access.private.key_of(account) == key.public:
            continue
        async for receipt in _deposit(access, directory, run, household, deposits[account]):
            yield receipt
        yield await access.private.publish_key(account, key)


async def _admit(access: PrivateAccess, directory: Directory) -> AsyncIterator[Receipt]:
    """Lets the members decide on all who are none."""
    known = {member.account for member in await access.consortium.members()}
    calls = [
        ProposedCall(MEMBERSHIP, "admit", (member.account, member.name.encode().ljust(32, b"\0")))
        for member in directory.members
        if member.account not in known
    ]
    if calls:
        yield await decide_all(access.private.ledger, directory.offices.members, calls)


async def _deposit(
    access: PrivateAccess,
    directory: Directory,
    run: str,
    household: PrivateHousehold,
    amount: int,
) -> AsyncIterator[Receipt]:
    """Brings money by a transfer that happens once, and makes notes of it."""
    if amount == 0:
        return
    ledger, account = access.private.ledger, household.account
    reference = keccak(f"{run}: first deposit of {account}".encode())
    treasurers = directory.offices.treasurers
    for receipt in await bring_money(ledger, treasurers, account, amount, reference):
        yield receipt
    outside = await ledger.payment_balance_of(account)
    parts = [outside * (number + 1) // FIRST_NOTES for number in range(FIRST_NOTES)]
    for before, after in zip([0, *parts], parts, strict=False):
        if after > before:
            yield await access.private.deposit(account, household.purse.keys, after - before)
