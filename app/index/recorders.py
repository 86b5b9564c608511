"""Which event becomes a row of which table. Events that are not named here are not kept."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sqlalchemy import Table

from app.index import schema
from app.index.source import ChainEvent

_LARGEST = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Recorder:
    """Turns an event into a row; `kind` is what the live feed calls it."""

    kind: str
    table: Table
    columns: Mapping[str, str]
    constants: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))

    def values(self, event: ChainEvent) -> dict[str, object]:
        """The row's own columns. Bytes become 0x hex."""
        values = {
            column: _storable(event.arguments[argument], self.table, column)
            for column, argument in self.columns.items()
        }
        return values | dict(self.constants)


def _storable(value: object, table: Table, column: str) -> object:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, str):
        return value.replace("\x00", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL has no NUL in text
    if isinstance(value, int) and not isinstance(table.c[column].type, schema.Uint256):
        # A hostile operator can publish terms for any uint64; they must not stop the index.
        return max(-_LARGEST, min(value, _LARGEST))
    return value


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


_PRICES = {
    "grid_floor": "gridFloor",
    "grid_ceiling": "gridCeiling",
    "penalty_rate": "penaltyRate",
}

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
}
