"""A transaction is executed once, whatever the network between sender and node does to it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from eth_account import Account
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from app.chain.keys import Keystore
from app.chain.node import CHAIN_ID, EmbeddedNode
from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc, RpcError
from app.chain.sender import Call, Sender
from app.errors import (
    ContractRevertedError,
    NodeUnavailableError,
    ResponseLostError,
    TransactionLostError,
)
from tests.chain.conftest import MakeSender, counted, nonce_of
from tests.nodes import Fault, FaultyNetwork, send_from_node

pytestmark = pytest.mark.asyncio(loop_scope="session")

SEND = "eth_sendRawTransaction"


@pytest_asyncio.fixture(loop_scope="session")
async def network(node: EmbeddedNode) -> AsyncIterator[FaultyNetwork]:
    async with FaultyNetwork(node.url) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def distant(network: FaultyNetwork) -> AsyncIterator[Rpc]:
    """The node, seen through the network."""
    async with Rpc(network.url) as connection:
        yield connection


@pytest_asyncio.fixture(loop_scope="session")
async def sender(
    make_sender: MakeSender, account: str, distant: Rpc, network: FaultyNetwork, count: Call
) -> Sender:
    """Has sent one transaction without trouble and waits for nothing in between attempts."""

    async def go_on(seconds: float) -> None:
        pass

    used = make_sender(account, distant, patience=5, sleep=go_on)
    await used.send(count)
    network.delivered.clear()
    return used


async def test_a_lost_response_is_no_reason_to_send_again(
    sender: Sender, network: FaultyNetwork, count: Call, rpc: Rpc
) -> None:
    network.plan(Fault.LOSE_RESPONSE, SEND)

    await sender.send(count)

    assert await counted(rpc, count.to) == 2
    assert network.delivered[SEND] == 1


async def test_a_lost_request_is_sent_again(
    sender: Sender, network: FaultyNetwork, count: Call, rpc: Rpc
) -> None:
    network.plan(Fault.LOSE_REQUEST, SEND, times=2)

    await sender.send(count)

    assert await counted(rpc, count.to) == 2
    assert network.delivered[SEND] == 1


async def test_a_request_that_comes_late_is_not_executed_again(
    sender: Sender, network: FaultyNetwork, count: Call, rpc: Rpc
) -> None:
    network.plan(Fault.DELAY_REQUEST, SEND)

    await sender.send(count)
    await network.deliver_delayed()

    assert await counted(rpc, count.to) == 2
    assert network.delivered[SEND] == 2


async def test_a_late_copy_of_an_accounts_first_transaction_changes_nothing(
    make_sender: MakeSender,
    account: str,
    network: FaultyNetwork,
    distant: Rpc,
    count: Call,
    rpc: Rpc,
) -> None:
    network.plan(Fault.LOSE_RESPONSE, SEND)
    network.plan(Fault.DELAY_REQUEST, SEND)
    first = make_sender(account, distant)

    await first.send(count)
    await network.deliver_delayed()
    await first.send(count)

    assert await counted(rpc, count.to) == 2


async def test_a_lost_receipt_is_asked_for_again(
    sender: Sender, network: FaultyNetwork, count: Call, rpc: Rpc
) -> None:
    network.plan(Fault.LOSE_RESPONSE, "eth_getTransactionReceipt", times=5)

    await sender.send(count)

    assert await counted(rpc, count.to) == 2


async def test_when_nothing_comes_back_the_transaction_is_lost_but_not_doubled(
    sender: Sender, network: FaultyNetwork, count: Call, rpc: Rpc
) -> None:
    network.plan(Fault.LOSE_RESPONSE, times=100)

    with pytest.raises(TransactionLostError) as caught:
        await sender.send(count)
    network.heal()

    receipt = await rpc.read("eth_getTransactionReceipt", caught.value.transaction_hash)
    assert int(receipt["status"], 16) == 1
    assert await counted(rpc, count.to) == 2
    # The sender finds its nonce again.
    await sender.send(count)
    assert await counted(rpc, count.to) == 3
    assert await nonce_of(rpc, sender.address) == 4


async def test_a_lost_answer_to_a_read_is_asked_for_again(
    network: FaultyNetwork, distant: Rpc
) -> None:
    network.plan(Fault.LOSE_RESPONSE, times=2)

    assert await distant.read("eth_chainId") == "0x539"


async def test_a_read_gives_up_after_three_attempts(network: FaultyNetwork, distant: Rpc) -> None:
    network.plan(Fault.LOSE_RESPONSE, times=3)

    with pytest.raises(ResponseLostError):
        await distant.read("eth_chainId")


async def test_what_web3_reads_is_asked_for_again(network: FaultyNetwork, distant: Rpc) -> None:
    network.plan(Fault.LOSE_RESPONSE, times=2)

    assert await distant.eth.chain_id == CHAIN_ID


async def test_what_web3_sends_is_sent_once(
    network: FaultyNetwork, distant: Rpc, keys: Keystore, account: str, rpc: Rpc
) -> None:
    await send_from_node(rpc, {"from": account, "to": account})
    signed = Account.sign_transaction(
        {"nonce": 1, "gasPrice": 0, "gas": 21_000, "to": account, "value": 0, "chainId": CHAIN_ID},
        keys.key_of(account).secret,
    )
    network.plan(Fault.LOSE_RESPONSE, SEND)

    with pytest.raises(ResponseLostError):
        await distant.eth.send_raw_transaction(signed.raw_transaction)

    assert network.delivered[SEND] == 1
    assert await nonce_of(rpc, account) == 2


async def test_web3_has_the_nodes_answers_typed(rpc: Rpc, errors: ErrorTable, echo: str) -> None:
    selector = keccak(b"EnforcedPause()")[:4]

    with pytest.raises(RpcError) as caught:
        await rpc.eth.call({"to": to_checksum_address(echo), "data": selector, "gas": 90_000})

    translated = errors.translate(caught.value)
    assert isinstance(translated, ContractRevertedError)
    assert translated.error == "EnforcedPause"


async def test_a_request_that_is_given_up_stops_no_other(rpc: Rpc) -> None:
    for turns in range(50):
        asked = [asyncio.ensure_future(rpc.eth.chain_id) for _ in range(4)]
        for _ in range(turns % 5):
            await asyncio.sleep(0)
        for each in asked[::2]:
            each.cancel()

        answers = await asyncio.gather(*asked, return_exceptions=True)

        assert answers[1::2] == [CHAIN_ID, CHAIN_ID]


async def test_a_node_that_is_away_is_told_from_a_lost_answer() -> None:
    async with Rpc("http://127.0.0.1:9") as nowhere:
        with pytest.raises(NodeUnavailableError) as caught:
            await nowhere.read("eth_chainId")

    assert not isinstance(caught.value, ResponseLostError)
