"""What becomes of a household's private trades when their window is over."""

import asyncio

from app.agents.private.access import PrivateAccess
from app.agents.private.attestation import Attestation, AttestingOperator, Showing, show
from app.agents.private.household import PrivateHousehold
from app.agents.private.journal import KeptTrade
from app.errors import NotFoundError
from app.ledger.private_calls import (
    PrivateCall,
    cancel_transaction,
    make_partial_transaction,
    make_transaction,
)
from app.ledger.types import Receipt
from app.privacy.trading import MadeAgreement, MadeSettlement, settle_part


async def ask_operator(
    access: PrivateAccess,
    operator: AttestingOperator,
    household: PrivateHousehold,
    trade: KeptTrade,
) -> Attestation:
    """Shows the operator what a seller has sold; the operator's errors."""
    return await operator.attest(_showing(access, household, trade.made))


async def claim_delivery(
    access: PrivateAccess, trade: KeptTrade, attestation: Attestation
) -> Receipt:
    """Lets a seller be paid by the operator's word; the relay's errors."""
    made = trade.made
    if attestation.in_full:
        return await access.send(make_transaction(made.agreement, attestation.signature))
    part = await asyncio.to_thread(settle_part, access.rules, made, attestation.delivered)
    return await access.send(_partly(made, attestation, part))


async def take_back(access: PrivateAccess, trade: KeptTrade) -> Receipt:
    """Lets a buyer have its money back for what nobody has attested in time; the relay's errors."""
    return await access.send(cancel_transaction(trade.made.agreement))


def _showing(access: PrivateAccess, household: PrivateHousehold, made: MadeAgreement) -> Showing:
    offer = household.journal.offers.get(made.agreement.offer_id)
    if offer is None:
        raise NotFoundError(f"{household.name} has not made offer {made.agreement.offer_id}")
    account = household.account, access.keys.key_of(household.account)
    return show(access.rules, made.agreement, made.energy, offer.owner_key, account)


def _partly(made: MadeAgreement, attestation: Attestation, part: MadeSettlement) -> PrivateCall:
    return make_partial_transaction(
        made.agreement, part.delivered, attestation.signature, part.settlement
    )
