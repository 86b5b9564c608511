"""What users sign themselves: typed data to sign, and the relay that sends it."""

from eth_hash.auto import keccak
from fastapi import APIRouter, Depends

from app.api.deps import ServicesDep, WriterDep, no_query, relay_guard
from app.api.routers.agreements import note, whole_agreement
from app.api.routers.consortium import proposed_calls, whole_proposal
from app.api.routers.orders import require_auction
from app.api.schemas.agreements import AgreementTerms
from app.api.schemas.auction import side_of
from app.api.schemas.common import Transactions, Written
from app.api.schemas.consortium import BallotTerms
from app.api.schemas.readings import MeterReading
from app.api.schemas.relay import (
    AgreementTypedData,
    PermitTerms,
    RelayAdvance,
    RelayAllowTransactions,
    RelayCancelOffer,
    RelayCancelOrder,
    RelayClosePositions,
    RelayDeposit,
    RelayDepositWithPermit,
    Relayed,
    RelayedCall,
    RelayMakeOffer,
    RelayPayClaim,
    RelayPlaceOrder,
    RelayPropose,
    RelayPublishInfo,
    RelayRequest,
    RelayRequestWithdrawal,
    RelaySettleAgreements,
    RelayTypedData,
    RelayWithdraw,
    SubmitPermit,
    TypedData,
)
from app.api.services import Services
from app.chain.gas import MAX_RELAYED_GAS, bound_of
from app.chain.reader import agreements_in
from app.errors import ConflictError, ForbiddenError, InputError
from app.ledger.chain import AUCTION, MARKET, TREASURY
from app.ledger.consortium import CONSORTIUM, Consortium, Support, action_of
from app.ledger.types import Address, Agreement
from app.market.typed_data import (
    ForwardRequest,
    Permit,
    agreement_typed_data,
    ballot_typed_data,
    forward_request_typed_data,
    permit_digest,
    permit_typed_data,
    reading_typed_data,
    recover,
)

router = APIRouter()

DEFAULT_LIFETIME = 24 * 3_600
RELAYED_FUNCTIONS = {
    MARKET: frozenset(
        {
            "allowTransaction",
            "allowTransactions",
            "cancelOffer",
            "closePosition",
            "closePositions",
            "deposit",
            "depositWithPermit",
            "makeOffer",
            "makeTransaction",
            "makeTransactions",
            "payClaim",
            "publishInfo",
            "withdraw",
        }
    ),
    AUCTION: frozenset({"cancelOrder", "placeOrder"}),
    CONSORTIUM: frozenset(
        {"cancel", "castVote", "castVoteWithReason", "execute", "propose", "queue"}
    ),
    TREASURY: frozenset(
        {
            "attestReserve",
            "confirmDeposit",
            "confirmPayout",
            "rejectWithdrawal",
            "requestWithdrawal",
            "returnWithdrawal",
        }
    ),
}
"""What participants, members, treasurers and auditors may ask the gateway to send."""


@router.post(
    "/relay",
    status_code=201,
    tags=["relay"],
    dependencies=[Depends(no_query), Depends(relay_guard)],
)
async def relay(services: ServicesDep, writer: WriterDep, body: RelayRequest) -> Relayed:
    """Sends what a user has signed, in its name and at the gateway's cost.

    Whatever would fail is refused before anything is sent.
    """
    request = body.request.unpacked()
    contract = services.relayer.target_of(request)
    called = contract.read_input(request.data)
    if called is None or called[0] not in RELAYED_FUNCTIONS[contract.name]:
        raise InputError("body.request.data", "calls a function that is relayed", request.data[:4])
    receipt = await services.relayer.relay(request, bytes.fromhex(body.signature[2:]))
    if contract.name == MARKET:
        note(services, agreements_in(*called))
    await writer.seen(receipt)
    return Relayed(
        signer=request.sender, function=receipt.function, transactions=[Written.of(receipt)]
    )


@router.post(
    "/relay/permits",
    status_code=201,
    tags=["relay"],
    dependencies=[Depends(no_query), Depends(relay_guard)],
)
async def relay_permit(
    services: ServicesDep, writer: WriterDep, body: SubmitPermit
) -> Transactions:
    """Submits an allowance that an account has signed (see `/typed-data/permit`), at the gateway's
    cost. Whatever would fail is refused before anything is sent.
    """
    signature = bytes.fromhex(body.signature[2:])
    permit = await _permit(services, body)
    if recover(permit_digest(services.ledger.payment_domain, permit), signature) != permit.owner:
        raise ForbiddenError(
            f"the permit is not signed by {permit.owner}",
            hint="a permit holds once: ask /api/v1/typed-data/permit for a new one",
        )
    if permit.deadline < services.clock.now():
        raise ConflictError(
            "the permit has expired", hint="ask /api/v1/typed-data/permit for a new one"
        )
    receipt = await services.relayer.permit(permit, signature)
    await writer.seen(receipt)
    return Transactions(transactions=[Written.of(receipt)])


typed = APIRouter(prefix="/typed-data", tags=["typed data"], dependencies=[Depends(no_query)])


@typed.post("/agreement")
async def typed_agreement(services: ServicesDep, body: AgreementTerms) -> AgreementTypedData:
    """What a buyer signs."""
    agreement = body.unpacked()
    return AgreementTypedData(
        typed_data=agreement_typed_data(services.ledger.market_domain, agreement),
        agreement_id=f"0x{services.ledger.agreement_id(agreement).hex()}",
    )


@typed.post("/reading")
async def typed_reading(services: ServicesDep, body: MeterReading) -> TypedData:
    """What a meter signs."""
    reading = body.of_meter(body.meter)
    return TypedData(typed_data=reading_typed_data(services.ledger.registry_domain, reading))


@typed.post("/permit")
async def typed_permit(services: ServicesDep, body: PermitTerms) -> TypedData:
    """What an account signs so that the market may take a deposit, or the treasury a withdrawal
    (ERC-2612).
    """
    permit = await _permit(services, body)
    return TypedData(typed_data=permit_typed_data(services.ledger.payment_domain, permit))


@typed.post("/publish-info")
async def typed_publish_info(services: ServicesDep, body: RelayPublishInfo) -> RelayTypedData:
    """What an account signs to become a participant."""
    info = (
        body.endpoint,
        bytes.fromhex(body.household_id[2:]),
        body.meter,
        bytes.fromhex(body.stealth_meta_address[2:]),
    )
    return await _typed(services, body.sender, body.deadline, "publishInfo", info)


@typed.post("/make-offer")
async def typed_make_offer(services: ServicesDep, body: RelayMakeOffer) -> RelayTypedData:
    """What a seller signs to make an offer."""
    values = (body.window, body.energy_wh, body.floor_price)
    return await _typed(services, body.sender, body.deadline, "makeOffer", *values)


@typed.post("/cancel-offer")
async def typed_cancel_offer(services: ServicesDep, body: RelayCancelOffer) -> RelayTypedData:
    """What a seller signs to take an offer back."""
    return await _typed(services, body.sender, body.deadline, "cancelOffer", body.offer_id)


@typed.post("/place-order", dependencies=[Depends(require_auction)])
async def typed_place_order(services: ServicesDep, body: RelayPlaceOrder) -> RelayTypedData:
    """What a participant signs to place an order in the auction."""
    values = (int(side_of(body.side)), body.energy_wh, body.limit_price, body.window, body.expiry)
    return await _typed(
        services, body.sender, body.deadline, "placeOrder", *values, contract=AUCTION
    )


@typed.post("/cancel-order", dependencies=[Depends(require_auction)])
async def typed_cancel_order(services: ServicesDep, body: RelayCancelOrder) -> RelayTypedData:
    """What the owner of an order signs to take back what is left of it."""
    return await _typed(
        services, body.sender, body.deadline, "cancelOrder", body.order_id, contract=AUCTION
    )


@typed.post("/allow-transactions")
async def typed_allow_transactions(
    services: ServicesDep, body: RelayAllowTransactions
) -> RelayTypedData:
    """What a seller signs to write agreements that their buyers have signed."""
    signed = [each.unpacked() for each in body.agreements]
    values = ([_row(each.agreement) for each in signed], [each.signature for each in signed])
    return await _typed(
        services, body.sender, body.deadline, "allowTransactions", *values, items=len(signed)
    )


@typed.post("/make-transactions")
async def typed_make_transactions(
    services: ServicesDep, body: RelaySettleAgreements
) -> RelayTypedData:
    """What an account signs to settle agreements."""
    rows = [_row(await whole_agreement(services, each)) for each in body.agreement_ids]
    return await _typed(
        services, body.sender, body.deadline, "makeTransactions", rows, items=len(rows)
    )


@typed.post("/close-positions")
async def typed_close_positions(services: ServicesDep, body: RelayClosePositions) -> RelayTypedData:
    """What an account signs to close positions."""
    return await _typed(
        services,
        body.sender,
        body.deadline,
        "closePositions",
        body.participants,
        body.window,
        items=len(body.participants),
    )


@typed.post("/deposit")
async def typed_deposit(services: ServicesDep, body: RelayDeposit) -> RelayTypedData:
    """What an account signs to deposit from an allowance that the market has."""
    return await _typed(services, body.sender, body.deadline, "deposit", body.amount)


@typed.post("/deposit-with-permit")
async def typed_deposit_with_permit(
    services: ServicesDep, body: RelayDepositWithPermit
) -> RelayTypedData:
    """What an account signs to deposit, after it has signed the permit."""
    permit = bytes.fromhex(body.permit_signature[2:])
    values = (body.amount, body.permit_deadline, permit[64], permit[:32], permit[32:64])
    return await _typed(services, body.sender, body.deadline, "depositWithPermit", *values)


@typed.post("/withdraw")
async def typed_withdraw(services: ServicesDep, body: RelayWithdraw) -> RelayTypedData:
    """What an account signs to take free money out of the market."""
    return await _typed(services, body.sender, body.deadline, "withdraw", body.amount)


@typed.post("/pay-claim")
async def typed_pay_claim(services: ServicesDep, body: RelayPayClaim) -> RelayTypedData:
    """What an account signs to have a claim paid."""
    return await _typed(services, body.sender, body.deadline, "payClaim", body.participant)


@typed.post("/vote")
async def typed_vote(services: ServicesDep, body: BallotTerms) -> TypedData:
    """What a member signs to vote; sent with the signature to the proposal's `votes`."""
    support = Support[body.support.upper()]
    ballot = await Consortium(services.ledger).ballot(body.voter, int(body.proposal_id), support)
    return TypedData(typed_data=ballot_typed_data(services.ledger.consortium_domain, ballot))


@typed.post("/propose")
async def typed_propose(services: ServicesDep, body: RelayPropose) -> RelayTypedData:
    """What a member signs to propose something to the others."""
    calls = proposed_calls(services, body)
    values = (*action_of(services.ledger.contracts, calls), body.description)
    return await _typed(
        services,
        body.sender,
        body.deadline,
        "propose",
        *values,
        items=len(calls),
        contract=CONSORTIUM,
    )


@typed.post("/queue-proposal")
async def typed_queue_proposal(services: ServicesDep, body: RelayAdvance) -> RelayTypedData:
    """What an account signs to queue a proposal that has passed."""
    return await _typed_step(services, body, "queue")


@typed.post("/execute-proposal")
async def typed_execute_proposal(services: ServicesDep, body: RelayAdvance) -> RelayTypedData:
    """What an account signs to execute a proposal whose delay is over."""
    return await _typed_step(services, body, "execute")


@typed.post("/request-withdrawal")
async def typed_request_withdrawal(
    services: ServicesDep, body: RelayRequestWithdrawal
) -> RelayTypedData:
    """What an account signs to ask for money from the bank, after a permit for the treasury."""
    values = (body.amount, bytes.fromhex(body.payout_hash[2:]))
    return await _typed(
        services, body.sender, body.deadline, "requestWithdrawal", *values, contract=TREASURY
    )


async def _typed_step(services: Services, body: RelayAdvance, function: str) -> RelayTypedData:
    proposal = await whole_proposal(services, body.proposal_id)
    action = action_of(services.ledger.contracts, proposal.calls)
    return await _typed(
        services,
        body.sender,
        body.deadline,
        function,
        *action,
        keccak(proposal.description.encode()),
        items=len(proposal.calls),
        contract=CONSORTIUM,
    )


async def _permit(services: Services, body: PermitTerms) -> Permit:
    spender = MARKET if body.spender == "market" else TREASURY
    return Permit(
        owner=body.owner,
        spender=services.ledger.contracts[spender].address,
        value=body.amount,
        nonce=await services.relayer.permit_nonce_of(body.owner),
        deadline=body.deadline,
    )


async def _typed(
    services: Services,
    signer: Address,
    deadline: int | None,
    function: str,
    *arguments: object,
    items: int = 0,
    contract: str = MARKET,
) -> RelayTypedData:
    ledger = services.ledger
    gas = bound_of(function).of(items)
    if gas > MAX_RELAYED_GAS:
        raise InputError("body", "is small enough to be relayed: split it", items)
    target = ledger.contracts[contract]
    request = ForwardRequest(
        sender=signer,
        to=target.address,
        gas=gas,
        nonce=await services.relayer.nonce_of(signer),
        deadline=ledger.now() + DEFAULT_LIFETIME if deadline is None else deadline,
        data=target.encode(function, *arguments),
    )
    return RelayTypedData(
        typed_data=forward_request_typed_data(ledger.forwarder_domain, request),
        request=RelayedCall.of(request),
    )


def _row(agreement: Agreement) -> tuple[object, ...]:
    return (
        agreement.offer_id,
        agreement.seller,
        agreement.buyer,
        agreement.window,
        agreement.energy_wh,
        agreement.price,
        agreement.deadline,
        agreement.salt,
    )


router.include_router(typed)
