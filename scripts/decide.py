"""Lets the members of a development chain decide: proposes, votes and executes in one go.

Time is moved on to when the vote begins, when it ends, and when its outcome may be executed: only a
chain for development allows that. Elsewhere members vote when it suits them.
"""

from collections.abc import Sequence
from typing import TypeAlias, cast

from brownie import chain
from brownie.network.account import Account, LocalAccount
from brownie.network.contract import ContractTx, ProjectContract
from brownie.network.transaction import TransactionReceipt
from eth_typing import BlockNumber
from web3 import Web3

from scripts.deploy import System

# Contract and input
Call: TypeAlias = tuple[ProjectContract, str]
Member: TypeAlias = Account | LocalAccount

FOR = 1


def call_of(contract: ProjectContract, function: str, *arguments: object) -> Call:
    """A call that members can decide on."""
    method: ContractTx = getattr(contract, function)
    return contract, method.encode_input(*arguments)


def propose(system: System, calls: Sequence[Call], proposer: Member, description: str = "") -> int:
    """Proposes the calls; returns the proposal's id. The same calls need another description."""
    receipt = system.consortium.propose(*_action(calls), description, {"from": proposer})
    return int(receipt.events["ProposalCreated"]["proposalId"])


def vote(system: System, proposal_id: int, members: Sequence[Member], support: int = FOR) -> None:
    """Lets members vote; waits for the beginning of the vote if it is ahead."""
    _wait_until(system.consortium.proposalSnapshot(proposal_id) + 1)
    for member in members:
        system.consortium.castVote(proposal_id, support, {"from": member})


def execute(
    system: System, calls: Sequence[Call], executor: Member, description: str = ""
) -> TransactionReceipt:
    """Ends the vote, queues what has passed, waits as long as the rules want, and executes it."""
    consortium = system.consortium
    action = (*_action(calls), Web3.keccak(text=description))
    proposal_id = consortium.hashProposal(*action)
    _wait_until(consortium.proposalDeadline(proposal_id) + 1)
    if consortium.proposalNeedsQueuing(proposal_id):
        consortium.queue(*action, {"from": executor})
        _wait_until(consortium.proposalEta(proposal_id))
    return cast(TransactionReceipt, consortium.execute(*action, {"from": executor}))


def decide(
    system: System, calls: Sequence[Call], members: Sequence[Member], description: str = ""
) -> TransactionReceipt:
    """The first of the members proposes the calls, all of them vote for it; the last receipt."""
    vote(system, propose(system, calls, members[0], description), members)
    return execute(system, calls, members[0], description)


def _action(calls: Sequence[Call]) -> tuple[list[str], list[int], list[str]]:
    targets = [str(contract.address) for contract, _ in calls]
    return targets, [0] * len(calls), [data for _, data in calls]


def _wait_until(timestamp: int) -> None:
    """A call sees the time of the last block: so one is mined."""
    if int(chain[BlockNumber(-1)]["timestamp"]) < timestamp:
        chain.mine(timestamp=timestamp)
