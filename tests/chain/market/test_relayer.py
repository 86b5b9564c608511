"""Users without gas: what they sign is executed, and nothing else."""

from dataclasses import replace

import pytest

from app.agents.enrolment import bring_money
from app.errors import ConflictError, ContractRevertedError, ForbiddenError, InputError
from app.ledger.chain import MARKET, PAYMENT, ChainLedger
from app.ledger.relayer import Relayer
from app.ledger.types import Address
from app.market.typed_data import (
    ForwardRequest,
    Permit,
    forward_request_digest,
    permit_digest,
    sign,
)
from tests.chain.market.conftest import BANKERS, PRICE, enrol

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def relayer(ledger: ChainLedger, relayer_account: Address) -> Relayer:
    return Relayer(ledger, relayer_account)


def signed_by(ledger: ChainLedger, signer: Address, request: ForwardRequest) -> bytes:
    digest = forward_request_digest(ledger.forwarder_domain, request)
    return sign(digest, ledger.keys.key_of(signer))


async def make_request(relayer: Relayer, seller: Address, window: int) -> ForwardRequest:
    return await relayer.request(seller, "makeOffer", window, 2_000, PRICE, lifetime=600)


async def test_a_request_acts_in_its_signers_name(
    ledger: ChainLedger, relayer: Relayer, seller: Address, window: int
) -> None:
    request = await make_request(relayer, seller, window)

    receipt = await relayer.relay(request, signed_by(ledger, seller, request))

    assert receipt.function == "makeOffer"
    assert receipt.sender == relayer.account
    assert receipt.result == window << 32
    assert (await ledger.offer(window << 32)).seller == seller


async def test_a_request_counts_once(
    ledger: ChainLedger, relayer: Relayer, seller: Address, window: int
) -> None:
    request = await make_request(relayer, seller, window)
    signature = signed_by(ledger, seller, request)
    await relayer.relay(request, signature)

    with pytest.raises(ConflictError, match="nonce"):
        await relayer.relay(request, signature)

    assert len(await ledger.offers(window)) == 1


async def test_a_request_that_somebody_else_signed_is_refused(
    ledger: ChainLedger, relayer: Relayer, seller: Address, buyer: Address, window: int
) -> None:
    request = await make_request(relayer, seller, window)

    with pytest.raises(ForbiddenError):
        await relayer.relay(request, signed_by(ledger, buyer, request))


async def test_a_request_that_was_changed_is_refused(
    ledger: ChainLedger, relayer: Relayer, seller: Address, window: int
) -> None:
    request = await make_request(relayer, seller, window)
    signature = signed_by(ledger, seller, request)

    with pytest.raises(ForbiddenError):
        await relayer.relay(replace(request, gas=request.gas + 1), signature)


async def test_an_expired_request_is_refused(
    ledger: ChainLedger, relayer: Relayer, seller: Address, window: int
) -> None:
    request = await make_request(relayer, seller, window)
    signature = signed_by(ledger, seller, request)
    await ledger.clock.advance_to(request.deadline + 1)

    with pytest.raises(ConflictError, match="expired"):
        await relayer.relay(request, signature)


async def test_the_markets_own_error_comes_through_before_gas_is_spent(
    ledger: ChainLedger, relayer: Relayer, seller: Address, window: int
) -> None:
    request = await relayer.request(seller, "makeOffer", window, 0, PRICE, lifetime=600)
    height = await ledger.rpc.read("eth_blockNumber")

    with pytest.raises(ContractRevertedError) as caught:
        await relayer.relay(request, signed_by(ledger, seller, request))

    assert caught.value.error == "EnergyZero"
    assert await ledger.rpc.read("eth_blockNumber") == height


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("to", {"to": "0x" + "12" * 20}),
        ("value", {"value": 1}),
        ("gas", {"gas": 10_000_000}),
        ("data", {"data": b"\x01\x02\x03\x04"}),
        ("data", {"data": b""}),
    ],
)
async def test_only_calls_of_the_market_are_relayed(
    ledger: ChainLedger,
    relayer: Relayer,
    seller: Address,
    window: int,
    field: str,
    changes: dict[str, object],
) -> None:
    request = replace(await make_request(relayer, seller, window), **changes)

    with pytest.raises(InputError) as caught:
        await relayer.relay(request, signed_by(ledger, seller, request))

    assert caught.value.field == field


async def test_a_permit_lets_the_market_take_a_deposit(
    ledger: ChainLedger, relayer: Relayer
) -> None:
    owner = await enrol(ledger, 60, funds=0)
    await bring_money(ledger, BANKERS, owner, 900, b"p" * 32)
    permit = Permit(
        owner=owner,
        spender=ledger.contracts[MARKET].address,
        value=900,
        nonce=await relayer.permit_nonce_of(owner),
        deadline=ledger.now() + 600,
    )
    signature = sign(permit_digest(ledger.payment_domain, permit), ledger.keys.key_of(owner))

    await relayer.permit(permit, signature)
    request = await relayer.request(owner, "deposit", 900, lifetime=600)
    await relayer.relay(request, signed_by(ledger, owner, request))

    assert (await ledger.account_of(owner)).free == 900
    assert await ledger.read(PAYMENT, "allowance", owner, permit.spender) == 0


async def test_a_permit_that_somebody_else_signed_is_refused(
    ledger: ChainLedger, relayer: Relayer, seller: Address, buyer: Address
) -> None:
    permit = Permit(seller, buyer, 5, await relayer.permit_nonce_of(seller), ledger.now() + 600)
    signature = sign(permit_digest(ledger.payment_domain, permit), ledger.keys.key_of(buyer))

    with pytest.raises(ForbiddenError):
        await relayer.permit(permit, signature)
