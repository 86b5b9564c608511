"""How members whose keys are here decide together, on a chain for development."""

from typing import TYPE_CHECKING

from eth_utils.crypto import keccak

from app.errors import ForbiddenError
from app.ledger.types import Address, Receipt

if TYPE_CHECKING:
    from app.ledger.chain import ChainLedger

CONSORTIUM = "Consortium"
MEMBERSHIP = "Membership"

FOR = 1


async def decide(
    ledger: "ChainLedger", proposer: Address, contract: str, function: str, *arguments: object
) -> Receipt:
    """Proposes a call, lets all members whose keys are here vote for it, and executes it.

    The clock goes on to the end of the vote and of the delay. Returns the receipt of the execution.
    Raises ForbiddenError where no member's key is here, ContractRevertedError where the members who
    vote are too few.
    """
    voters = [member for member in await _admitted(ledger) if member in ledger.keys]
    if not voters:
        raise ForbiddenError("no member's key is here", hint="the members have to vote themselves")
    target = ledger.contracts[contract]
    action = [target.address], [0], [target.encode(function, *arguments)]
    # The same decision can be made again, at another time.
    description = f"{function}, decided at {ledger.now()}"
    # Who was admitted this very second may propose in the next one.
    await ledger.clock.advance_to(ledger.now() + 1)
    await ledger.write(proposer, CONSORTIUM, "propose", *action, description)

    described = (*action, keccak(text=description))
    proposal_id = await ledger.read(CONSORTIUM, "hashProposal", *described)
    await _wait_until(ledger, "proposalSnapshot", proposal_id, 1)
    for voter in voters:
        await ledger.write(voter, CONSORTIUM, "castVote", proposal_id, FOR)
    await _wait_until(ledger, "proposalDeadline", proposal_id, 1)
    await ledger.write(proposer, CONSORTIUM, "queue", *described)
    await _wait_until(ledger, "proposalEta", proposal_id, 0)
    return await ledger.write(proposer, CONSORTIUM, "execute", *described)


async def _wait_until(ledger: "ChainLedger", moment: str, proposal_id: int, more: int) -> None:
    await ledger.clock.advance_to(await ledger.read(CONSORTIUM, moment, proposal_id) + more)


async def _admitted(ledger: "ChainLedger") -> list[Address]:
    """All members, in the order of their admission."""
    membership = ledger.contracts[MEMBERSHIP]
    logs = await ledger.rpc.read(
        "eth_getLogs",
        {
            "fromBlock": hex(ledger.deployment.block),
            "toBlock": "latest",
            "address": membership.address,
            "topics": ["0x" + membership.topic_of("MemberAdmitted").hex()],
        },
    )
    events = (membership.event(log) for log in logs)
    accounts = dict.fromkeys(str(event.arguments["member"]) for event in events if event)
    return [each for each in accounts if await ledger.read(MEMBERSHIP, "isMember", each)]
