"""Requests that a household signs and somebody else pays for (ERC-2771)."""

from typing import Any

import pytest
from brownie import reverts
from brownie.exceptions import VirtualMachineError

from tests.contracts.conftest import DEPOSIT, NOW, WINDOW, index_of, travel_to
from tests.contracts.errors import error
from tests.contracts.plain import event_of
from tests.contracts.signing import FORWARD_REQUEST, key, signed

DEADLINE = NOW + 7200
GAS = 500_000


@pytest.fixture
def request_of(forwarder, market):
    """A call that `sender` wants, of the market if of nobody else, and its signature."""

    def request_of(
        sender: Any, data: str, *, to: Any = market, signer: Any = None, deadline: int = DEADLINE
    ):
        values = {
            "from": sender.address,
            "to": to.address,
            "value": 0,
            "gas": GAS,
            "nonce": forwarder.nonces(sender),
            "deadline": deadline,
            "data": data,
        }
        signature = signed(
            key(index_of(signer or sender)),
            forwarder,
            "Peerwatt Forwarder",
            FORWARD_REQUEST,
            values,
        )
        return (sender.address, to.address, 0, GAS, deadline, data, signature)

    return request_of


@pytest.fixture
def offer_request(request_of, market, seller):
    """The seller's wish to offer 5 kWh."""
    return request_of(seller, market.makeOffer.encode_input(WINDOW, 5_000, 100_000))


def test_acts_for_who_signed(market, forwarder, offer_request, relayer, seller):
    transaction = forwarder.execute(offer_request, {"from": relayer})

    assert event_of(transaction, "OfferMade")["seller"] == seller.address
    assert market.offerOf(WINDOW << 32)["seller"] == seller


def test_moves_the_money_of_who_signed(
    market, forwarder, request_of, relayer, buyer, account_of, payment_token
):
    request = request_of(buyer, market.withdraw.encode_input(1_000_000))

    forwarder.execute(request, {"from": relayer})

    assert account_of(buyer)["free"] == DEPOSIT - 1_000_000
    assert payment_token.balanceOf(buyer) == 1_000_000


def test_places_and_cancels_orders_of_who_signed(
    auction, forwarder, request_of, relayer, buyer, account_of
):
    placing = auction.placeOrder.encode_input(0, 2_000, 200_000, WINDOW, WINDOW * 3600)
    forwarder.execute(request_of(buyer, placing, to=auction), {"from": relayer})

    assert auction.orderOf(1)["owner"] == buyer
    assert account_of(buyer)["locked"] == 400_000

    cancelling = request_of(buyer, auction.cancelOrder.encode_input(1), to=auction)
    forwarder.execute(cancelling, {"from": relayer})
    assert account_of(buyer) == {"free": DEPOSIT, "locked": 0, "debt": 0}


def test_writes_an_agreement_for_the_seller(
    market, forwarder, request_of, relayer, agreement, commit_phase, sign, seller
):
    data = market.allowTransaction.encode_input(agreement, sign(agreement))

    transaction = forwarder.execute(request_of(seller, data), {"from": relayer})

    assert event_of(transaction, "TransactionAllowed")["seller"] == seller.address


def test_relays_several_at_once(market, forwarder, request_of, relayer, seller, other_seller):
    data = market.makeOffer.encode_input(WINDOW, 5_000, 100_000)
    requests = [request_of(household, data) for household in (seller, other_seller)]

    forwarder.executeBatch(requests, relayer, {"from": relayer})

    sellers = [offer["seller"] for offer in market.getOffers(WINDOW, 0, 2)["offers"]]
    assert sellers == [seller.address, other_seller.address]


# Guards


def test_takes_a_request_once(forwarder, offer_request, relayer):
    forwarder.execute(offer_request, {"from": relayer})

    with pytest.raises(VirtualMachineError, match="ERC2771ForwarderInvalidSigner"):
        forwarder.execute.call(offer_request, {"from": relayer})


def test_refuses_the_signature_of_another(forwarder, market, request_of, relayer, seller, outsider):
    data = market.makeOffer.encode_input(WINDOW, 5_000, 100_000)
    request = request_of(seller, data, signer=outsider)

    with reverts(error("ERC2771ForwarderInvalidSigner", outsider, seller)):
        forwarder.execute.call(request, {"from": relayer})


def test_refuses_what_was_not_signed(forwarder, market, offer_request, relayer):
    dearer = market.makeOffer.encode_input(WINDOW, 5_000, 100_001)
    tampered = (*offer_request[:5], dearer, offer_request[6])

    with pytest.raises(VirtualMachineError, match="ERC2771ForwarderInvalidSigner"):
        forwarder.execute.call(tampered, {"from": relayer})


def test_fails_where_the_market_refuses(market, forwarder, request_of, relayer, seller):
    data = market.makeOffer.encode_input(WINDOW, 0, 100_000)

    with reverts(error("FailedCall")):
        forwarder.execute.call(request_of(seller, data), {"from": relayer})
    with reverts(error("EnergyZero")):
        market.makeOffer.call(WINDOW, 0, 100_000, {"from": seller})


def test_believes_no_other_forwarder(web3, market, keeper, seller):
    data = market.makeOffer.encode_input(WINDOW, 5_000, 100_000) + seller.address[2:]

    with reverts(error("NotParticipant", keeper)):
        keeper.transfer(market, 0, data=data)


@pytest.mark.parametrize("contract", ["registry", "payment_token", "energy_token", "authority"])
def test_is_trusted_by_the_market_alone(system, contract):
    assert not hasattr(getattr(system, contract), "isTrustedForwarder")


# Edges


def test_takes_a_request_until_its_deadline(market, forwarder, request_of, relayer, buyer):
    request = request_of(buyer, market.withdraw.encode_input(1))

    travel_to(DEADLINE)
    forwarder.execute.call(request, {"from": relayer})
    travel_to(DEADLINE + 1)
    with reverts(error("ERC2771ForwarderExpiredRequest", DEADLINE)):
        forwarder.execute.call(request, {"from": relayer})


def test_proposes_for_a_member_and_for_nobody_else(
    consortium, membership, forwarder, request_of, relayer, seller, outsider
):
    admission = membership.admit.encode_input(outsider, b"\x08" * 32)
    data = consortium.propose.encode_input([membership], [0], [admission], "")

    transaction = forwarder.execute(request_of(seller, data, to=consortium), {"from": relayer})
    assert event_of(transaction, "ProposalCreated")["proposer"] == seller.address

    with reverts(error("FailedCall")):
        forwarder.execute.call(request_of(outsider, data, to=consortium), {"from": relayer})
