"""The model behind the ledger protocol: receipts, batches, keys, atomicity."""

from dataclasses import replace

import pytest

from app.agents.enrolment import bring_money
from app.errors import ContractRevertedError, ForbiddenError, InputError
from app.ledger.model import ModelClock, ModelKeys, ModelLedger
from app.ledger.protocol import Ledger
from app.ledger.types import AgreementState, Offer, Reading, Terms
from app.market.windows import commit_start, window_end, window_start
from tests.ledger.conftest import DEPOSIT, NOW, TERMS, WINDOW, meter_of

# The model is a Ledger: mypy checks the assignment.
_protocol: type[Ledger] = ModelLedger


class TestReceipts:
    async def test_it_names_the_contract_function_and_its_result(self, ledger, seller):
        receipt = await ledger.make_offer(seller, WINDOW, 5_000, 100_000)

        assert (receipt.function, receipt.sender) == ("makeOffer", seller)
        assert receipt.result == WINDOW << 32
        assert receipt.gas_used == 0

    async def test_it_carries_the_events_in_order(self, ledger, buyer):
        receipt = await ledger.withdraw(buyer, 1)

        assert [(e.contract, e.name, e.log_index) for e in receipt.events] == [
            ("EnergyMarket", "Withdrawn", 0),
            ("PaymentToken", "Transfer", 1),
        ]
        assert receipt.events[0].arguments == {"participant": buyer, "amount": 1}

    async def test_every_transaction_has_its_own_block_and_hash(self, ledger, buyer):
        receipts = [await ledger.withdraw(buyer, 1) for _ in range(3)]

        assert len({receipt.transaction_hash for receipt in receipts}) == 3
        numbers = [receipt.block_number for receipt in receipts]
        assert numbers == list(range(numbers[0], numbers[0] + 3))

    async def test_a_deposit_approves_the_market_once(self, ledger, staff, outsider):
        await bring_money(ledger, staff.treasurers, outsider, 10, b"\x07" * 32)
        first = await ledger.deposit(outsider, 4)
        second = await ledger.deposit(outsider, 6)

        assert second.block_number == first.block_number + 1
        assert await ledger.payment_balance_of(outsider) == 0


class TestBatches:
    async def test_a_long_list_is_cut_at_the_batch_size(self, ledger, operator):
        receipts = await ledger.publish_terms(operator, WINDOW + 5, [TERMS] * 101)

        assert [len(receipt.events) for receipt in receipts] == [100, 1]
        assert receipts[1].events[0].arguments["window"] == WINDOW + 105

    async def test_an_empty_list_sends_nothing(self, ledger, keeper):
        assert await ledger.make_transactions(keeper, []) == []

    async def test_all_pages_of_offers_are_read(self, ledger, seller):
        made = [(await ledger.make_offer(seller, WINDOW, 1, 0)).result for _ in range(300)]

        assert [offer.id for offer in await ledger.offers(WINDOW)] == made

    async def test_one_bad_agreement_refuses_its_batch(self, ledger, clock, agreement):
        bad = replace(agreement, salt=2, energy_wh=3_001)
        clock.set(commit_start(WINDOW))
        signed = [ledger.sign_agreement(a) for a in (agreement, bad)]

        with pytest.raises(ContractRevertedError, match="OfferExceeded"):
            await ledger.allow_transactions(agreement.seller, signed)

        assert await ledger.agreement_state(ledger.agreement_id(agreement)) is AgreementState.NONE
        assert (await ledger.offer(agreement.offer_id)).agreed_wh == 0
        assert (await ledger.account_of(agreement.buyer)).free == DEPOSIT


class TestRefusals:
    async def test_the_error_and_its_arguments_are_the_contracts(self, ledger, buyer):
        with pytest.raises(ContractRevertedError) as refusal:
            await ledger.withdraw(buyer, DEPOSIT + 1)

        assert refusal.value.contract == "EnergyMarket"
        assert refusal.value.error == "FundsInsufficient"
        assert refusal.value.arguments == {
            "account": buyer,
            "required": DEPOSIT + 1,
            "free": DEPOSIT,
        }

    async def test_a_refused_call_leaves_no_event_behind(self, ledger, buyer):
        with pytest.raises(ContractRevertedError):
            await ledger.withdraw(buyer, DEPOSIT + 1)

        receipt = await ledger.withdraw(buyer, 1)
        assert [event.log_index for event in receipt.events] == [0, 1]

    async def test_a_number_that_cannot_be_encoded_changes_nothing(self, ledger, clock, agreement):
        clock.set(commit_start(WINDOW))
        good = ledger.sign_agreement(agreement)
        bad = replace(good, agreement=replace(agreement, salt=2**256))

        with pytest.raises(InputError, match="salt"):
            await ledger.allow_transactions(agreement.seller, [good, bad])

        assert (await ledger.account_of(agreement.buyer)).locked == 0

    async def test_a_sender_without_a_key_is_refused(self, ledger):
        with pytest.raises(ForbiddenError):
            await ledger.make_offer("0x" + "11" * 20, WINDOW, 1, 0)


class TestSignatures:
    def test_a_buyers_signature_verifies(self, ledger, agreement):
        assert ledger.verify_agreement(ledger.sign_agreement(agreement))

    def test_a_changed_agreement_does_not(self, ledger, agreement):
        signed = ledger.sign_agreement(agreement)

        assert not ledger.verify_agreement(
            replace(signed, agreement=replace(agreement, price=200_001))
        )

    def test_a_garbled_signature_does_not(self, ledger, agreement):
        signed = ledger.sign_agreement(agreement)

        assert not ledger.verify_agreement(replace(signed, signature=b"\x00" * 65))

    def test_a_buyer_without_a_key_cannot_sign(self, ledger, agreement):
        with pytest.raises(ForbiddenError):
            ledger.sign_agreement(replace(agreement, buyer="0x" + "11" * 20))

    def test_a_named_account_is_always_the_same(self):
        assert ModelKeys().account("seller") == ModelKeys().account("seller")
        assert ModelKeys().account("seller") != ModelKeys().account("buyer")


class TestClock:
    async def test_it_advances_and_never_goes_back(self):
        clock = ModelClock(NOW)
        await clock.advance_to(NOW + 5)
        await clock.advance_to(NOW)

        assert clock.now() == NOW + 5


async def test_what_was_never_written_reads_as_nothing(ledger, outsider):
    assert (await ledger.participant_info(outsider)).endpoint == ""
    assert await ledger.offers(WINDOW) == []
    assert await ledger.claim_of(outsider) == 0
    assert (await ledger.position_of(outsider, WINDOW)).closed is False
    assert (await ledger.reading_of(outsider, WINDOW)).recorded is False
    assert await ledger.terms_of(WINDOW) == TERMS


async def test_an_offer_as_it_is_read(ledger, open_agreement, seller):
    assert await ledger.offers(WINDOW) == [
        Offer(open_agreement.offer_id, seller, WINDOW, 5_000, 100_000, agreed_wh=2_000)
    ]


async def test_the_same_reading_again_changes_nothing(ledger, keeper, seller, clock):
    clock.set(window_end(WINDOW))
    signed = ledger.sign_reading(Reading(meter_of(ledger, "seller"), WINDOW, 2_000, 0))
    await ledger.submit_readings(keeper, [signed])
    (again,) = await ledger.submit_readings(keeper, [signed])

    assert again.events == ()
    assert await ledger.energy_balance_of(seller) == 2_000


async def test_published_terms_hold_for_their_window_alone(ledger, operator):
    own = Terms(90_000, 300_000, 10_000)
    await ledger.publish_terms(operator, WINDOW + 1, [own])

    assert [await ledger.terms_of(WINDOW + i) for i in range(3)] == [TERMS, own, TERMS]


async def test_a_cancelled_offer_has_no_energy_left(ledger, clock, offer, seller):
    clock.set(commit_start(WINDOW) - 1)
    await ledger.cancel_offer(seller, offer)

    cancelled = await ledger.offer(offer)
    assert (cancelled.energy_wh, cancelled.cancelled) == (0, True)


async def test_an_offer_may_be_made_until_the_last_second(ledger, clock, seller):
    clock.set(commit_start(WINDOW) - 1)
    await ledger.make_offer(seller, WINDOW, 1, 0)
    clock.set(commit_start(WINDOW))

    with pytest.raises(ContractRevertedError, match="WindowClosed"):
        await ledger.make_offer(seller, WINDOW, 1, 0)


@pytest.mark.parametrize("at", [commit_start(WINDOW) - 1, window_start(WINDOW)])
async def test_agreements_are_written_in_the_margin_alone(ledger, clock, agreement, at):
    clock.set(at)

    with pytest.raises(ContractRevertedError, match="CommitPhaseOnly"):
        await ledger.allow_transactions(agreement.seller, [ledger.sign_agreement(agreement)])
