"""A transaction is executed once, whatever the network between sender and node does to it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from app.chain.node import EmbeddedNode
from app.chain.rpc import Rpc
from app.chain.sender import Call, Sender
from app.errors import NodeUnavailableError, ResponseLostError, TransactionLostError
from tests.chain.conftest import MakeSender, counted, nonce_of
from tests.nodes import Fault, FaultyNetwork

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


async def test_a_node_that_is_away_is_told_from_a_lost_answer() -> None:
    async with Rpc("http://127.0.0.1:9") as nowhere:
        with pytest.raises(NodeUnavailableError) as caught:
            await nowhere.read("eth_chainId")

    assert not isinstance(caught.value, ResponseLostError)
