"""The ledger over the real contracts."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from app.chain.keys import household_address, meter_address
from app.errors import ConfigurationError, ContractRevertedError, ForbiddenError, InputError
from app.ledger.chain import MARKET, MAX_BATCH, REGISTRY, ChainLedger
from app.ledger.consortium import decide
from app.ledger.types import (
    Account,
    Address,
    Agreement,
    AgreementState,
    EnergyTotals,
    Offer,
    ParticipantInfo,
    Position,
    Reading,
    Receipt,
    RecordedReading,
    SignedAgreement,
    Terms,
)
from app.market.typed_data import reading_digest
from app.market.units import cost_up
from app.market.windows import (
    commit_start,
    grace_end,
    window_at,
    window_end,
)
from tests.chain.market.conftest import PRICE, MakeAgreement, enrol
from tests.nodes import market_on

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_was_published_is_read_back(ledger: ChainLedger, seller: Address) -> None:
    assert await ledger.participant_info(seller) == ParticipantInfo(
        "tcp://home-0", bytes(32), meter_address(0)
    )
    assert await ledger.is_participant(seller)


async def test_a_stranger_has_published_nothing(ledger: ChainLedger, outsider: Address) -> None:
    assert (await ledger.participant_info(outsider)).endpoint == ""
    assert not await ledger.is_participant(outsider)
    assert await ledger.account_of(outsider) == Account()


async def test_the_longest_info_fits_into_its_gas(ledger: ChainLedger) -> None:
    account = await enrol(ledger, 32, funds=0)
    longest = ParticipantInfo("x" * 256, b"\xff" * 32, meter_address(32), b"\xff" * 128)

    await ledger.publish_info(account, longest)

    assert await ledger.participant_info(account) == longest


async def test_money_goes_in_and_out(ledger: ChainLedger) -> None:
    account = await enrol(ledger, 30, funds=1_000)

    await ledger.withdraw(account, 400)

    assert await ledger.account_of(account) == Account(free=600)
    assert await ledger.payment_balance_of(account) == 400


async def test_the_second_deposit_needs_no_second_approval(ledger: ChainLedger) -> None:
    account = await enrol(ledger, 31, funds=1_000)
    await ledger.withdraw(account, 1_000)
    seen: list[Receipt] = []
    ledger.on_receipt = seen.append

    await ledger.deposit(account, 500)
    await ledger.deposit(account, 500)
    ledger.on_receipt = None

    assert [receipt.function for receipt in seen] == ["deposit", "deposit"]


async def test_an_offer_returns_its_id(ledger: ChainLedger, seller: Address, window: int) -> None:
    receipt = await ledger.make_offer(seller, window, 5_000, PRICE)

    assert receipt.result == window << 32
    assert receipt.function == "makeOffer"
    assert receipt.sender == seller
    assert [event.name for event in receipt.events] == ["OfferMade"]
    offer = Offer(window << 32, seller, window, 5_000, PRICE)
    assert await ledger.offer(window << 32) == offer
    assert await ledger.offers(window) == [offer]


async def test_a_cancelled_offer_stays_on_the_list(
    ledger: ChainLedger, seller: Address, window: int
) -> None:
    await ledger.make_offer(seller, window, 5_000, PRICE)

    await ledger.cancel_offer(seller, window << 32)

    assert [offer.cancelled for offer in await ledger.offers(window)] == [True]


async def test_a_refusal_names_the_error_and_its_arguments(
    ledger: ChainLedger, seller: Address, window: int
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.make_offer(seller, window - 1, 5_000, PRICE)

    assert caught.value.error == "WindowClosed"
    assert caught.value.arguments["window"] == window - 1
    assert caught.value.contract == MARKET
    assert caught.value.status == 409


async def test_errors_of_openzeppelin_have_names_too(
    ledger: ChainLedger, outsider: Address, seller: Address
) -> None:
    with pytest.raises(ContractRevertedError) as restricted:
        await ledger.write(outsider, MARKET, "pause")
    with pytest.raises(ContractRevertedError) as poor:
        await ledger.deposit(outsider, 5)

    assert restricted.value.error == "AccessManagedUnauthorized"
    assert restricted.value.arguments == {"caller": outsider}
    assert poor.value.error == "ERC20InsufficientBalance"
    assert poor.value.arguments == {"sender": outsider, "balance": 0, "needed": 5}


async def test_a_refused_read_names_the_error(ledger: ChainLedger, window: int) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.offer(window << 32)

    assert caught.value.error == "OfferUnknown"
    assert caught.value.arguments == {"offerId": window << 32}


async def test_a_pause_has_a_name(
    ledger: ChainLedger, operator: Address, seller: Address, window: int
) -> None:
    await ledger.write(operator, MARKET, "pause")
    try:
        with pytest.raises(ContractRevertedError) as caught:
            await ledger.make_offer(seller, window, 1_000, PRICE)
    finally:
        await decide(ledger, household_address(0), MARKET, "unpause")

    assert caught.value.error == "EnforcedPause"


@pytest.mark.parametrize("energy_wh", [-1, 1 << 64])
async def test_numbers_that_no_contract_takes_are_not_sent(
    ledger: ChainLedger, seller: Address, window: int, energy_wh: int
) -> None:
    with pytest.raises(InputError) as caught:
        await ledger.make_offer(seller, window, energy_wh, PRICE)

    assert caught.value.field == "energyWh"


async def test_who_has_no_key_here_cannot_write(ledger: ChainLedger, window: int) -> None:
    with pytest.raises(ForbiddenError):
        await ledger.make_offer("0x" + "12" * 20, window, 1, PRICE)


async def test_the_contracts_hash_as_typed_data_does(
    ledger: ChainLedger, make_agreement: MakeAgreement, seller: Address
) -> None:
    agreement = make_agreement(7, salt=(1 << 256) - 1)
    reading = Reading(meter_address(0), 5, 10, 20, 3, b"\x07" * 32)
    agreement_row = tuple(getattr(agreement, name) for name in Agreement.__slots__)
    reading_row = tuple(getattr(reading, name) for name in Reading.__slots__)

    hashed = await ledger.read(MARKET, "hashAgreement", agreement_row)
    assert hashed == ledger.agreement_id(agreement)
    hashed = await ledger.read(REGISTRY, "hashReading", reading_row)
    assert hashed == reading_digest(ledger.registry_domain, reading)


async def test_domains_are_those_of_the_contracts(ledger: ChainLedger) -> None:
    for contract, domain in (
        ("EnergyMarket", ledger.market_domain),
        ("MeterRegistry", ledger.registry_domain),
        ("Forwarder", ledger.forwarder_domain),
        ("PaymentToken", ledger.payment_domain),
        ("Consortium", ledger.consortium_domain),
    ):
        _, name, version, chain_id, address, _, _ = await ledger.read(contract, "eip712Domain")
        assert (name, version, chain_id, address) == (
            domain.name,
            domain.version,
            domain.chain_id,
            domain.contract,
        )


async def test_a_signed_agreement_is_verified_and_a_changed_one_is_not(
    ledger: ChainLedger, make_agreement: MakeAgreement
) -> None:
    signed = ledger.sign_agreement(make_agreement(7))

    assert ledger.verify_agreement(signed)
    cheaper = replace(signed.agreement, price=PRICE - 1)
    assert not ledger.verify_agreement(SignedAgreement(cheaper, signed.signature))


async def test_a_trade_from_offer_to_closed_position(
    ledger: ChainLedger,
    seller: Address,
    buyer: Address,
    treasury: Address,
    keeper: Address,
    window: int,
    make_agreement: MakeAgreement,
) -> None:
    before = {who: await ledger.account_of(who) for who in (seller, buyer)}
    totals = await ledger.energy_totals()
    offer = await ledger.make_offer(seller, window, 5_000, PRICE)
    agreement = make_agreement(offer.result)
    await ledger.clock.advance_to(commit_start(window))

    (allowed,) = await ledger.allow_transactions(seller, [ledger.sign_agreement(agreement)])

    agreement_id = ledger.agreement_id(agreement)
    assert allowed.result == (agreement_id,)
    assert await ledger.agreement_state(agreement_id) is AgreementState.OPEN
    escrow = cost_up(1_000, PRICE)
    assert (await ledger.account_of(buyer)).locked == before[buyer].locked + escrow
    assert await ledger.position_of(seller, window) == Position(open_agreements=1)

    await ledger.clock.advance_to(window_end(window))
    readings = [
        Reading(meter_address(0), window, 1_000, 0, 0, b"\x01" * 32),
        Reading(meter_address(1), window, 0, 1_000, 0, b"\x02" * 32),
    ]
    await ledger.submit_readings(keeper, [ledger.sign_reading(each) for each in readings])
    (settled,) = await ledger.make_transactions(keeper, [agreement])
    await ledger.close_positions(keeper, [seller, buyer], window)

    assert [event.name for event in settled.events if event.contract == MARKET] == [
        "TransactionMade"
    ]
    assert await ledger.reading_of(seller, window) == RecordedReading(
        recorded=True, exported_wh=1_000
    )
    assert await ledger.agreement_state(agreement_id) is AgreementState.SETTLED
    assert (await ledger.account_of(seller)).free == before[seller].free + escrow
    assert (await ledger.account_of(buyer)).free == before[buyer].free - escrow
    assert (await ledger.position_of(buyer, window)) == Position(bought_wh=1_000, closed=True)
    assert await ledger.energy_totals() == EnergyTotals(
        totals.injected_wh + 1_000, totals.withdrawn_wh + 1_000, totals.lost_wh
    )


async def test_a_second_submission_changes_nothing(
    ledger: ChainLedger, seller: Address, keeper: Address, window: int
) -> None:
    await ledger.clock.advance_to(window_end(window))
    signed = ledger.sign_reading(Reading(meter_address(0), window, 10, 0))

    await ledger.submit_readings(keeper, [signed])
    (again,) = await ledger.submit_readings(keeper, [signed])

    assert again.events == ()


async def test_terms_of_more_windows_than_a_batch_has_are_published_in_batches(
    ledger: ChainLedger, operator: Address
) -> None:
    first = window_at(ledger.now()) + 50
    terms = [Terms(80_000 + number, 320_000, 50_000) for number in range(MAX_BATCH + 1)]

    receipts = await ledger.publish_terms(operator, first, terms)

    assert [len(receipt.events) for receipt in receipts] == [MAX_BATCH, 1]
    assert await ledger.terms_of(first) == terms[0]
    assert await ledger.terms_of(first + MAX_BATCH) == terms[-1]


async def test_a_whole_batch_of_agreements_fits_into_a_block(
    ledger: ChainLedger,
    seller: Address,
    buyer: Address,
    treasury: Address,
    keeper: Address,
    window: int,
    make_agreement: MakeAgreement,
) -> None:
    offer = await ledger.make_offer(seller, window, 1_000_000, PRICE)
    agreements = [make_agreement(offer.result, energy_wh=100, salt=salt) for salt in range(100)]
    await ledger.clock.advance_to(commit_start(window))

    allowed = await ledger.allow_transactions(
        seller, [ledger.sign_agreement(agreement) for agreement in agreements]
    )
    await ledger.clock.advance_to(grace_end(window))
    settled = await ledger.make_transactions(keeper, agreements)

    assert len(allowed) == len(settled) == 1
    assert await ledger.position_of(seller, window) == Position()
    assert await ledger.agreement_state(ledger.agreement_id(agreements[-1])) == 2


async def test_positions_of_nobody_need_no_transaction(
    ledger: ChainLedger, keeper: Address, window: int
) -> None:
    assert await ledger.close_positions(keeper, [], window) == []


async def test_a_claim_that_is_not_there_pays_nothing(
    ledger: ChainLedger, keeper: Address, seller: Address
) -> None:
    with pytest.raises(ContractRevertedError) as caught:
        await ledger.pay_claim(keeper, seller)

    assert caught.value.error == "AmountZero"
    assert await ledger.claim_of(seller) == 0


async def test_the_treasury_is_the_deployments(ledger: ChainLedger, treasury: Address) -> None:
    assert await ledger.treasury() == treasury


async def test_every_receipt_is_reported(ledger: ChainLedger, seller: Address, window: int) -> None:
    seen: list[Receipt] = []
    ledger.on_receipt = seen.append

    receipt = await ledger.make_offer(seller, window, 1_000, PRICE)
    with pytest.raises(ContractRevertedError):
        await ledger.make_offer(seller, window, 0, PRICE)
    ledger.on_receipt = None

    assert seen == [receipt]
    assert receipt.gas_used > 21_000


async def test_households_write_side_by_side(ledger: ChainLedger, window: int) -> None:
    sellers = [await enrol(ledger, household, funds=0) for household in range(40, 48)]

    receipts = await asyncio.gather(
        *(ledger.make_offer(seller, window, 1_000, PRICE) for seller in sellers for _ in range(2))
    )

    assert {receipt.result for receipt in receipts} == {
        (window << 32) | place for place in range(16)
    }


async def test_a_deployment_that_is_not_on_the_chain_is_noticed(ledger: ChainLedger) -> None:
    elsewhere = replace(ledger.deployment, addresses={"EnergyMarket": household_address(0)})

    with pytest.raises(ConfigurationError, match="there is no EnergyMarket"):
        await ChainLedger.connect(ledger.rpc.url, elsewhere, ledger.keys)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def anvil_ledger(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ChainLedger]:
    """A market on the faster node, for what takes many transactions."""
    async with market_on(tmp_path_factory.mktemp("anvil"), "anvil") as (_, _, opened):
        yield opened


async def test_offers_are_read_over_several_pages(anvil_ledger: ChainLedger) -> None:
    sellers = [await enrol(anvil_ledger, household, funds=0) for household in range(4)]
    window = window_at(anvil_ledger.now()) + 2

    await asyncio.gather(
        *(anvil_ledger.make_offer(seller, window, 1_000, PRICE) for seller in sellers * 65)
    )

    offers = await anvil_ledger.offers(window)
    assert [offer.id for offer in offers] == [(window << 32) | place for place in range(260)]


async def test_a_refusal_has_the_same_name_on_anvil(anvil_ledger: ChainLedger) -> None:
    stranger = household_address(50)

    with pytest.raises(ContractRevertedError) as caught:
        await anvil_ledger.make_offer(stranger, window_at(anvil_ledger.now()) + 2, 1, PRICE)

    assert caught.value.error == "NotParticipant"
    assert caught.value.arguments == {"account": stranger}
