import asyncio

import pytest
from coincurve import PrivateKey
from eth_hash.auto import keccak

from app.chain.keys import Keystore
from app.chain.node import CHAIN_ID, EmbeddedNode
from app.chain.reverts import ErrorTable
from app.chain.rpc import Rpc
from app.chain.sender import Call, Sender
from app.errors import (
    ContractRevertedError,
    NodeUnavailableError,
    OutOfFundsError,
    TransactionLostError,
)
from app.market.typed_data import address_of
from tests.chain.conftest import MakeSender, counted, nonce_of
from tests.nodes import LOGGER, LOOP, create_contract, send_from_node

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_transaction_is_executed_once_and_its_receipt_comes_back(
    sender: Sender, count: Call, rpc: Rpc
) -> None:
    mined = await sender.send(count)

    assert await counted(rpc, count.to) == 1
    receipt = await rpc.read("eth_getTransactionReceipt", mined.hash)
    assert int(receipt["gasUsed"], 16) == mined.gas_used
    assert int(receipt["blockNumber"], 16) == mined.block_number


async def test_the_first_nonce_of_an_account_is_used_up_by_an_empty_transaction(
    sender: Sender, count: Call, rpc: Rpc
) -> None:
    mined = await sender.send(count)

    sent = await rpc.read("eth_getTransactionByHash", mined.hash)
    assert int(sent["nonce"], 16) == 1
    assert await nonce_of(rpc, sender.address) == 2


async def test_calls_at_the_same_time_get_nonces_in_their_order(
    sender: Sender, count: Call, rpc: Rpc
) -> None:
    mined = await asyncio.gather(*(sender.send(count) for _ in range(12)))

    sent = [await rpc.read("eth_getTransactionByHash", each.hash) for each in mined]
    assert [int(each["nonce"], 16) for each in sent] == list(range(1, 13))
    assert await counted(rpc, count.to) == 12


async def test_a_hundred_accounts_at_once_do_not_stop_the_miner(
    make_sender: MakeSender, keys: Keystore, count: Call, rpc: Rpc
) -> None:
    senders = [make_sender(account, patience=60) for account in list(keys)[100:200]]

    async def send_some(sender: Sender) -> None:
        for _ in range(3):
            await sender.send(count)

    await asyncio.gather(*map(send_some, senders))

    assert await counted(rpc, count.to) == 300


async def test_the_receipt_has_the_logs(sender: Sender, rpc: Rpc, deployer: str) -> None:
    logger = await create_contract(rpc, deployer, LOGGER)

    mined = await sender.send(Call(logger, b"", 60_000))

    assert [int(log["topics"][0], 16) for log in mined.logs] == [1]


async def test_somebody_else_has_used_the_nonce(
    sender: Sender, account: str, count: Call, rpc: Rpc
) -> None:
    await sender.send(count)
    await send_from_node(rpc, {"from": account, "to": count.to})

    await sender.send(count)

    assert await counted(rpc, count.to) == 3


async def test_a_gap_below_an_accepted_transaction_is_filled(
    node: EmbeddedNode, make_sender: MakeSender, account: str, count: Call, rpc: Rpc
) -> None:
    snapshot = await node.snapshot()
    async with Rpc(node.url, timeout=1.0) as impatient:
        sender = make_sender(account, impatient)
        await sender.send(count)
        await sender.send(count)
        await node.revert(snapshot)

        await sender.send(count)

    assert await counted(rpc, count.to) == 1
    assert await nonce_of(rpc, account) == 4


async def test_after_a_resync_nothing_has_to_be_filled(
    node: EmbeddedNode, sender: Sender, count: Call, rpc: Rpc
) -> None:
    snapshot = await node.snapshot()
    await sender.send(count)
    await sender.send(count)
    await node.revert(snapshot)
    sender.resync()

    await sender.send(count)

    assert await nonce_of(rpc, sender.address) == 2


async def test_a_custom_error_comes_with_its_arguments_by_name(sender: Sender, echo: str) -> None:
    data = _error("OfferExceeded(uint256,uint256,uint256)", 7, 500, 200)

    with pytest.raises(ContractRevertedError) as caught:
        await sender.send(Call(echo, data, 100_000, contract="Market"))

    assert caught.value.error == "OfferExceeded"
    assert caught.value.arguments == {"offerId": 7, "energyWh": 500, "availableWh": 200}
    assert caught.value.contract == "Market"
    assert caught.value.transaction_hash.startswith("0x")


async def test_a_reverted_transaction_uses_up_its_nonce(
    sender: Sender, echo: str, count: Call, rpc: Rpc
) -> None:
    with pytest.raises(ContractRevertedError):
        await sender.send(Call(echo, _error("EnforcedPause()"), 100_000))

    await sender.send(count)

    assert await nonce_of(rpc, sender.address) == 3


async def test_running_out_of_gas_has_a_name(sender: Sender, rpc: Rpc, deployer: str) -> None:
    loop = await create_contract(rpc, deployer, LOOP)

    with pytest.raises(ContractRevertedError) as caught:
        await sender.send(Call(loop, b"", 50_000))

    assert caught.value.error == "OutOfGas"


async def test_an_account_without_ether_cannot_pay_for_gas_and_loses_no_nonce(
    rpc: Rpc, errors: ErrorTable, account: str, count: Call
) -> None:
    key = PrivateKey()
    poor = Sender(rpc, key, chain_id=CHAIN_ID, errors=errors, gas_price=1)

    with pytest.raises(OutOfFundsError):
        await poor.send(count)
    await send_from_node(
        rpc, {"from": account, "to": address_of(key.public_key), "value": hex(10**9)}
    )
    await poor.send(count)

    assert await counted(rpc, count.to) == 1


async def test_nobody_listens(make_sender: MakeSender, account: str, count: Call) -> None:
    waits = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async with Rpc("http://127.0.0.1:9") as nowhere:
        with pytest.raises(NodeUnavailableError) as caught:
            await make_sender(account, nowhere, sleep=wait).send(count)

    assert not isinstance(caught.value, TransactionLostError)


def _error(signature: str, *arguments: int) -> bytes:
    return keccak(signature.encode())[:4] + b"".join(each.to_bytes(32, "big") for each in arguments)
