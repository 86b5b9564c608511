"""Which event becomes a row of which table. Events that are not named here are not kept."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sqlalchemy import LargeBinary, Table

from app.index import schema
from app.index.source import ChainEvent

_LARGEST = 2**63 - 1
_PLACE = ("block", "log_index", "transaction_hash")


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns an event into a row; `kind` is what the live feed calls it.

    `columns` says which argument a column is; `correction.2` is the third member of a struct.
    `told` are the columns that the live feed has; None: all.
    """

    kind: str
    table: Table
    columns: Mapping[str, str]
    constants: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    told: tuple[str, ...] | None = None

    def values(self, event: ChainEvent) -> dict[str, object]:
        """The row's own columns. Bytes become 0x hex, lists JSON of texts."""
        values = {
            column: _storable(_argument(event, argument), self.table, column)
            for column, argument in self.columns.items()
        }
        return values | dict(self.constants)

    def news(self, row: Mapping[str, object]) -> dict[str, object]:
        """What the live feed says of a row."""
        if self.told is None:
            return dict(row)
        return {name: row[name] for name in (*_PLACE, *self.told)}


def _argument(event: ChainEvent, path: str) -> object:
    name, *places = path.split(".")
    value: Any = event.arguments[name]
    for place in places:
        value = value[int(place)]
    return value


def _storable(value: object, table: Table, column: str) -> object:
    kind = table.c[column].type
    if isinstance(kind, schema.OnePoint | schema.Points | schema.Unsigned):
        return value
    if isinstance(kind, LargeBinary) and isinstance(value, bytes):
        return value if len(value) <= (kind.length or 0) else None
    if isinstance(value, list | tuple):
        return json.dumps([_hex(each) if isinstance(each, bytes) else str(each) for each in value])
    if isinstance(value, bytes):
        return _hex(value)
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL has no NUL in text
    if isinstance(value, int) and not isinstance(kind, schema.Uint256):
        # A hostile operator can publish terms for any uint64; they must not stop the index.
        return max(-_LARGEST, min(int(value), _LARGEST))
    return value


def _hex(value: bytes) -> str:
    return f"0x{value.hex()}"


def _movement(kind: str) -> Recorder:
    return Recorder(
        "movement",
        schema.movements,
        {"participant": "participant", "amount": "amount"},
        {"kind": kind},
    )


def _order_end(kind: str, constants: Mapping[str, object], **columns: str) -> Recorder:
    return Recorder(
        "order_end",
        schema.order_ends,
        {"order_id": "orderId", "energy_wh": "energyWh"} | columns,
        {"kind": kind} | dict(constants),
    )


def _rule(name: str, contract: str, argument: str) -> Recorder:
    return Recorder("rule", schema.rules, {"value": argument}, {"contract": contract, "name": name})


def _membership(admitted: bool) -> Recorder:
    return Recorder(
        "membership",
        schema.memberships,
        {"account": "member", "household_id": "householdId"},
        {"admitted": admitted},
    )


def _role_change(granted: bool) -> Recorder:
    return Recorder(
        "role_change",
        schema.role_changes,
        {"role": "roleId", "account": "account"},
        {"granted": granted},
    )


def _pause(paused: bool) -> Recorder:
    return Recorder("pause", schema.pauses, {"account": "account"}, {"paused": paused})


def _ballot() -> Recorder:
    return Recorder(
        "ballot",
        schema.ballots,
        {
            "proposal_id": "proposalId",
            "voter": "voter",
            "support": "support",
            "weight": "weight",
            "reason": "reason",
        },
    )


def _proposal_step(step: str, constants: Mapping[str, object], **columns: str) -> Recorder:
    return Recorder(
        "proposal_step",
        schema.proposal_steps,
        {"proposal_id": "proposalId"} | columns,
        {"step": step} | dict(constants),
    )


def _withdrawal_end(state: str, constants: Mapping[str, object], **columns: str) -> Recorder:
    return Recorder(
        "withdrawal_end",
        schema.withdrawal_ends,
        {"withdrawal_id": "withdrawalId"} | columns,
        {"state": state} | dict(constants),
    )


def _pool_movement(kind: str, account: str) -> Recorder:
    return Recorder(
        "pool_movement",
        schema.pool_movements,
        {"account": account, "amount": "amount"},
        {"kind": kind},
    )


def _private_end(
    state: str, constants: Mapping[str, object], columns: Mapping[str, str]
) -> Recorder:
    return Recorder(
        "private_end",
        schema.private_ends,
        {"agreement_id": "agreementId"} | dict(columns),
        {"state": state} | dict(constants),
        ("agreement_id", "state"),
    )


_PRICES = {
    "grid_floor": "gridFloor",
    "grid_ceiling": "gridCeiling",
    "penalty_rate": "penaltyRate",
}
_READING = {"participant": "owner", "window": "window"}

RECORDERS: Mapping[tuple[str, str], Recorder] = {
    ("MeterRegistry", "MeterCertified"): Recorder(
        "certificate",
        schema.certificates,
        {"meter": "meter", "owner": "owner", "kind": "kind", "valid_until": "validUntil"},
    ),
    ("MeterRegistry", "MeterRevoked"): Recorder(
        "revocation", schema.revocations, {"meter": "meter", "owner": "owner"}
    ),
    ("MeterRegistry", "ReadingRecorded"): Recorder(
        "reading",
        schema.readings,
        {
            "owner": "owner",
            "window": "window",
            "meter": "meter",
            "exported_wh": "exportedWh",
            "imported_wh": "importedWh",
            "losses_wh": "lossesWh",
            "data_root": "dataRoot",
        },
    ),
    ("EnergyMarket", "InfoPublished"): Recorder(
        "participant",
        schema.participants,
        {
            "participant": "participant",
            "meter": "meter",
            "household_id": "householdId",
            "endpoint": "endpoint",
            "stealth_meta_address": "stealthMetaAddress",
        },
    ),
    ("EnergyMarket", "OfferMade"): Recorder(
        "offer",
        schema.offers,
        {
            "offer_id": "offerId",
            "seller": "seller",
            "window": "window",
            "energy_wh": "energyWh",
            "floor_price": "floorPrice",
        },
    ),
    ("EnergyMarket", "OfferCancelled"): Recorder(
        "cancellation",
        schema.cancellations,
        {"offer_id": "offerId", "seller": "seller", "window": "window"},
    ),
    ("EnergyMarket", "TransactionAllowed"): Recorder(
        "agreement",
        schema.agreements,
        {
            "agreement_id": "agreementId",
            "seller": "seller",
            "buyer": "buyer",
            "offer_id": "offerId",
            "window": "window",
            "energy_wh": "energyWh",
            "price": "price",
        },
    ),
    ("EnergyMarket", "TransactionMade"): Recorder(
        "settlement",
        schema.settlements,
        {
            "agreement_id": "agreementId",
            "seller": "seller",
            "buyer": "buyer",
            "delivered_wh": "deliveredWh",
            "paid": "paid",
            "compensation": "compensation",
            "penalty": "penalty",
        },
    ),
    ("EnergyMarket", "PositionClosed"): Recorder(
        "position",
        schema.positions,
        {"participant": "participant", "window": "window", "net_wh": "netWh", "amount": "amount"},
    ),
    ("EnergyMarket", "EnergyCovered"): Recorder(
        "cover",
        schema.covers,
        {
            "participant": "participant",
            "window": "window",
            "energy_wh": "energyWh",
            "amount": "amount",
        },
    ),
    ("EnergyMarket", "TermsPublished"): Recorder(
        "terms", schema.terms, {"window": "window"} | _PRICES, {"from_window": None}
    ),
    ("EnergyMarket", "DefaultTermsSet"): Recorder(
        "terms", schema.terms, {"from_window": "fromWindow"} | _PRICES, {"window": None}
    ),
    ("CallAuction", "OrderPlaced"): Recorder(
        "order",
        schema.orders,
        {
            "order_id": "orderId",
            "owner": "owner",
            "window": "window",
            "side": "side",
            "energy_wh": "energyWh",
            "limit_price": "limitPrice",
            "expires_at": "expiresAt",
        },
    ),
    ("CallAuction", "OrderFilled"): Recorder(
        "fill",
        schema.fills,
        {
            "buy_id": "buyId",
            "sell_id": "sellId",
            "window": "window",
            "energy_wh": "energyWh",
            "price": "price",
        },
    ),
    ("CallAuction", "OrderCancelled"): _order_end("cancelled", {"window": None}),
    ("CallAuction", "OrderServed"): _order_end("served", {}, window="window"),
    ("CallAuction", "OrderExpired"): _order_end("expired", {}, window="window"),
    ("CallAuction", "BookCleared"): Recorder(
        "clearing",
        schema.clearings,
        {
            "window": "window",
            "rule": "rule",
            "traded_wh": "tradedWh",
            "served_wh": "servedWh",
            "marginal_buy": "marginalBuy",
            "marginal_sell": "marginalSell",
            "fills": "fills",
        },
    ),
    ("CallAuction", "PricingRuleSet"): Recorder(
        "pricing_rule", schema.pricing_rules, {"from_window": "fromWindow", "rule": "rule"}
    ),
    ("EnergyMarket", "Deposited"): _movement("deposit"),
    ("EnergyMarket", "Withdrawn"): _movement("withdrawal"),
    ("EnergyMarket", "DebtIncurred"): _movement("debt"),
    ("EnergyMarket", "DebtPaid"): _movement("debt_payment"),
    ("EnergyMarket", "ClaimIncurred"): _movement("claim"),
    ("EnergyMarket", "ClaimPaid"): _movement("claim_payment"),
    ("EnergyMarket", "Paused"): _pause(True),
    ("EnergyMarket", "Unpaused"): _pause(False),
    ("EnergyToken", "EnergyRetracted"): Recorder(
        "retraction", schema.retractions, {"holder": "holder", "energy_wh": "energyWh"}
    ),
    ("Authority", "RoleGranted"): _role_change(True),
    ("Authority", "RoleRevoked"): _role_change(False),
    ("Membership", "MemberAdmitted"): _membership(True),
    ("Membership", "MemberExpelled"): _membership(False),
    ("Membership", "DelegateVotesChanged"): Recorder(
        "voting_power", schema.voting_power, {"account": "delegate", "votes": "newVotes"}
    ),
    ("Membership", "DelegationAllowed"): _rule("delegation_allowed", "Membership", "allowed"),
    ("Consortium", "VotingDelaySet"): _rule("voting_delay", "Consortium", "newVotingDelay"),
    ("Consortium", "VotingPeriodSet"): _rule("voting_period", "Consortium", "newVotingPeriod"),
    ("Consortium", "BaseDelaySet"): _rule("execution_delay", "Consortium", "newBaseDelaySeconds"),
    ("Consortium", "QuorumNumeratorUpdated"): _rule(
        "quorum_percent", "Consortium", "newQuorumNumerator"
    ),
    ("Consortium", "ProposalCreated"): Recorder(
        "consortium_proposal",
        schema.consortium_proposals,
        {
            "proposal_id": "proposalId",
            "proposer": "proposer",
            "targets": "targets",
            "wei": "values",
            "calldatas": "calldatas",
            "description": "description",
            "vote_start": "voteStart",
            "vote_end": "voteEnd",
        },
    ),
    ("Consortium", "VoteCast"): _ballot(),
    ("Consortium", "VoteCastWithParams"): _ballot(),
    ("Consortium", "ProposalQueued"): _proposal_step("queued", {}, eta="etaSeconds"),
    ("Consortium", "ProposalExecuted"): _proposal_step("executed", {"eta": None}),
    ("Consortium", "ProposalCanceled"): _proposal_step("canceled", {"eta": None}),
    ("Treasury", "ThresholdSet"): _rule("threshold", "Treasury", "threshold"),
    ("Treasury", "DailyLimitSet"): _rule("daily_limit", "Treasury", "dailyLimit"),
    ("Treasury", "DepositConfirmed"): Recorder(
        "deposit_confirmation",
        schema.deposit_confirmations,
        {
            "reference": "bankReference",
            "treasurer": "treasurer",
            "holder": "holder",
            "amount": "amount",
        },
    ),
    ("PaymentToken", "DepositMinted"): Recorder(
        "mint",
        schema.mints,
        {"holder": "holder", "amount": "amount", "reference": "depositReference"},
    ),
    ("Treasury", "WithdrawalRequested"): Recorder(
        "withdrawal_request",
        schema.withdrawal_requests,
        {
            "withdrawal_id": "withdrawalId",
            "holder": "holder",
            "amount": "amount",
            "payout_hash": "payoutHash",
        },
    ),
    ("Treasury", "PayoutConfirmed"): Recorder(
        "payout_confirmation",
        schema.payout_confirmations,
        {
            "withdrawal_id": "withdrawalId",
            "treasurer": "treasurer",
            "reference": "bankReference",
        },
    ),
    ("Treasury", "RejectionConfirmed"): Recorder(
        "rejection",
        schema.rejections,
        {"withdrawal_id": "withdrawalId", "treasurer": "treasurer"},
    ),
    ("Treasury", "WithdrawalPaid"): _withdrawal_end("paid", {}, reference="bankReference"),
    ("Treasury", "WithdrawalReturned"): _withdrawal_end("returned", {"reference": None}),
    ("Treasury", "ReserveAttested"): Recorder(
        "attestation",
        schema.attestations,
        {"reserve": "reserve", "statement_hash": "statementHash", "auditor": "auditor"},
    ),
    ("MeterRegistry", "ThresholdSet"): _rule("threshold", "MeterRegistry", "threshold"),
    ("MeterRegistry", "ReadingHeld"): Recorder(
        "doubt", schema.doubts, _READING | {"auditor": "auditor", "until": "until"}
    ),
    ("MeterRegistry", "ReadingConfirmed"): Recorder(
        "reading_confirmation", schema.reading_confirmations, _READING | {"auditor": "auditor"}
    ),
    ("MeterRegistry", "CorrectionConfirmed"): Recorder(
        "correction_confirmation",
        schema.correction_confirmations,
        _READING
        | {
            "auditor": "auditor",
            "exported_wh": "correction.2",
            "imported_wh": "correction.3",
            "losses_wh": "correction.4",
            "data_root": "correction.5",
        },
    ),
    ("MeterRegistry", "ReadingCorrected"): Recorder(
        "correction",
        schema.corrections,
        _READING
        | {
            "exported_wh": "exportedWh",
            "imported_wh": "importedWh",
            "losses_wh": "lossesWh",
            "data_root": "dataRoot",
        },
    ),
    ("MeterRegistry", "ReadingReleased"): Recorder("release", schema.releases, _READING),
    ("PrivateMarket", "InfoPublished"): Recorder(
        "private_key",
        schema.private_keys,
        {"account": "member", "key": "key"},
        told=("account",),
    ),
    ("PrivateMarket", "AuditorChanged"): Recorder(
        "private_auditor", schema.private_auditors, {"key": "auditor"}, told=()
    ),
    ("PrivateMarket", "RoundOpened"): Recorder(
        "private_round",
        schema.private_rounds,
        {"window": "window", "ring": "ring"},
        told=("window",),
    ),
    ("PrivateMarket", "OfferMade"): Recorder(
        "private_offer",
        schema.private_offers,
        {
            "offer_id": "offerId",
            "window": "window",
            "slot": "slot",
            "image_x": "imageX",
            "owner": "terms.2",
            "energy": "terms.3",
            "floor_price": "terms.4",
            "energy_handle": "terms.5",
            "price_handle": "terms.6",
            "ephemeral_key": "terms.7",
            "metadata": "terms.8",
        },
        told=("offer_id", "window"),
    ),
    ("PrivateMarket", "TransactionAllowed"): Recorder(
        "private_agreement",
        schema.private_agreements,
        {
            "agreement_id": "agreementId",
            "offer_id": "offerId",
            "energy": "agreement.1",
            "price": "agreement.2",
            "cost": "agreement.3",
            "payout_key": "agreement.4",
            "payout_ephemeral": "agreement.5.0",
            "payout_view_tag": "agreement.5.1",
            "payout_encrypted_amount": "agreement.5.2",
            "refund_key": "agreement.6",
            "refund_blinding": "agreement.7",
            "energy_handle": "energyHandle",
            "price_handle": "priceHandle",
        },
        told=("agreement_id", "offer_id", "window"),
    ),
    ("PrivateMarket", "TransactionMade"): _private_end(
        "settled", {}, {"in_full": "inFull", "delivered": "delivered"}
    ),
    ("PrivateMarket", "TransactionCancelled"): _private_end(
        "cancelled", {"in_full": None, "delivered": None}, {}
    ),
    ("NotePool", "NoteCreated"): Recorder(
        "note",
        schema.notes,
        {
            "key": "note.0",
            "commitment": "note.1",
            "ephemeral": "message.0",
            "view_tag": "message.1",
            "encrypted_amount": "message.2",
        },
        told=("number",),
    ),
    ("NotePool", "NoteSpent"): Recorder(
        "note_image", schema.note_images, {"x": "imageX"}, told=("number",)
    ),
    ("NotePool", "Deposited"): _pool_movement("deposit", "payer"),
    ("NotePool", "Withdrawn"): _pool_movement("withdrawal", "recipient"),
}
