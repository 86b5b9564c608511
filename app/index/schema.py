"""The tables. Rows of the chain are only ever added, or deleted with the block that they came from.

Each row of an event is keyed by (block, log_index) and stands for itself: what became of an offer
or an agreement is a query over the rows that came later. `VERSION` rises with every change here; an
index of another version starts anew from the first block.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeDecorator

from app.privacy.curve import Point
from app.privacy.transcript import pack

VERSION = "5"

metadata = MetaData()

_HASH = String(66)
_ADDRESS = String(42)
_SEQUENCE = BigInteger().with_variant(Integer, "sqlite")
_WORD = 32
_POINT = 2 * _WORD

LARGEST_METADATA = 4_096
"""Bytes of an offer's metadata that are kept, which are as many as the relay takes."""


class Uint256(TypeDecorator[int]):
    """An integer of up to 256 bits, as decimal text: no database has a wider integer."""

    impl = String(78)
    cache_ok = True

    def process_bind_param(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value)


class Unsigned(TypeDecorator[int]):
    """A number without a sign, as so many bytes, the highest first."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size

    def process_bind_param(self, value: int | None, dialect: Dialect) -> bytes | None:
        return None if value is None else value.to_bytes(self.size, "big")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> int | None:
        return None if value is None else int.from_bytes(value, "big")


class Points(TypeDecorator[tuple[Point, ...]]):
    """Points of bn254, 64 bytes each: x and y."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Sequence[Point] | None, dialect: Dialect) -> bytes | None:
        return None if value is None else pack(value)

    def process_result_value(
        self, value: bytes | None, dialect: Dialect
    ) -> tuple[Point, ...] | None:
        if value is None:
            return None
        return tuple(_point_at(value, start) for start in range(0, len(value), _POINT))


class OnePoint(TypeDecorator[Point]):
    """A point of bn254, or two numbers that should be one: 64 bytes, x and y."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: Point | None, dialect: Dialect) -> bytes | None:
        return None if value is None else pack([value])

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Point | None:
        return None if value is None else _point_at(value, 0)


def _point_at(packed: bytes, start: int) -> Point:
    x, y = packed[start : start + _WORD], packed[start + _WORD : start + _POINT]
    return int.from_bytes(x, "big"), int.from_bytes(y, "big")


def _event_table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(
        name,
        metadata,
        Column("block", BigInteger, nullable=False),
        Column("log_index", Integer, nullable=False),
        Column("transaction_hash", _HASH, nullable=False),
        *columns,
        PrimaryKeyConstraint("block", "log_index"),
    )


def _address(name: str) -> Column[str]:
    return Column(name, _ADDRESS, nullable=False)


def _uint256(name: str) -> Column[int]:
    return Column(name, Uint256, nullable=False)


def _integer(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


def _point(name: str) -> Column[Point]:
    return Column(name, OnePoint, nullable=False)


settings = Table(
    "settings",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", Text, nullable=False),
)
progress = Table(
    "progress",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("block", BigInteger, nullable=False),
    Column("hash", _HASH, nullable=False),
)
blocks = Table(
    "blocks",
    metadata,
    Column("block", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", _HASH, nullable=False),
    Column("parent_hash", _HASH, nullable=False),
    Column("timestamp", BigInteger, nullable=False),
)
transactions = Table(
    "transactions",
    metadata,
    Column("block", BigInteger, nullable=False),
    Column("log_index", Integer, nullable=False),
    Column("hash", _HASH, nullable=False),
    Column("sender", _ADDRESS, nullable=False),
    Column("signer", _ADDRESS, nullable=False),
    Column("contract", String(64), nullable=False),
    Column("function", String(64), nullable=False),
    Column("gas_used", BigInteger, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    PrimaryKeyConstraint("block", "log_index"),
    Index("transactions_hash", "hash"),
    Index("transactions_function", "function", "block", "log_index"),
    comment="log_index is the transaction's own index in its block",
)
participants = _event_table(
    "participants",
    _address("participant"),
    _address("meter"),
    Column("household_id", _HASH, nullable=False),
    Column("endpoint", Text, nullable=False),
    Column("stealth_meta_address", Text, nullable=False),
    Index("participants_participant", "participant", "block", "log_index"),
)
certificates = _event_table(
    "certificates",
    _address("meter"),
    _address("owner"),
    Column("kind", Integer, nullable=False),
    _integer("valid_until"),
    Index("certificates_owner", "owner", "block", "log_index"),
)
revocations = _event_table("revocations", _address("meter"), _address("owner"))
movements = _event_table(
    "movements",
    _address("participant"),
    Column("kind", String(16), nullable=False),
    Column("amount", Uint256, nullable=False),
    Index("movements_participant", "participant", "block", "log_index"),
)
offers = _event_table(
    "offers",
    _uint256("offer_id"),
    _address("seller"),
    _integer("window"),
    _integer("energy_wh"),
    _integer("floor_price"),
    Index("offers_offer_id", "offer_id"),
    Index("offers_window", "window", "block", "log_index"),
)
cancellations = _event_table(
    "cancellations",
    _uint256("offer_id"),
    _address("seller"),
    _integer("window"),
    Index("cancellations_offer_id", "offer_id"),
)
agreements = _event_table(
    "agreements",
    Column("agreement_id", _HASH, nullable=False),
    _address("seller"),
    _address("buyer"),
    _uint256("offer_id"),
    _integer("window"),
    _integer("energy_wh"),
    _integer("price"),
    Column("deadline", BigInteger, comment="null if no input showed the whole agreement"),
    Column("salt", Uint256, comment="null if no input showed the whole agreement"),
    Index("agreements_agreement_id", "agreement_id"),
    Index("agreements_offer_id", "offer_id"),
    Index("agreements_window", "window", "block", "log_index"),
)
orders = _event_table(
    "orders",
    _integer("order_id"),
    _address("owner"),
    _integer("window"),
    Column("side", Integer, nullable=False, comment="0 buys, 1 sells"),
    _integer("energy_wh"),
    _integer("limit_price"),
    _integer("expires_at"),
    Index("orders_order_id", "order_id"),
    Index("orders_owner", "owner", "block", "log_index"),
    Index("orders_window", "window", "block", "log_index"),
)
fills = _event_table(
    "fills",
    _integer("buy_id"),
    _integer("sell_id"),
    _integer("window"),
    _integer("energy_wh"),
    _integer("price"),
    Column("agreement_id", _HASH, comment="null if the market tells of no agreement before it"),
    Index("fills_buy_id", "buy_id"),
    Index("fills_sell_id", "sell_id"),
    Index("fills_window", "window", "block", "log_index"),
    Index("fills_agreement_id", "agreement_id"),
)
order_ends = _event_table(
    "order_ends",
    _integer("order_id"),
    Column("kind", String(16), nullable=False),
    Column("window", BigInteger, comment="the book that it left; null: its owner cancelled it"),
    _integer("energy_wh"),
    Index("order_ends_order_id", "order_id"),
)
clearings = _event_table(
    "clearings",
    _integer("window"),
    Column("rule", Integer, nullable=False),
    _integer("traded_wh"),
    _integer("served_wh"),
    _integer("marginal_buy"),
    _integer("marginal_sell"),
    _integer("fills"),
    Index("clearings_window", "window", "block", "log_index"),
)
pricing_rules = _event_table(
    "pricing_rules",
    _integer("from_window"),
    Column("rule", Integer, nullable=False),
)
settlements = _event_table(
    "settlements",
    Column("agreement_id", _HASH, nullable=False),
    _address("seller"),
    _address("buyer"),
    _integer("delivered_wh"),
    _integer("paid"),
    _integer("compensation"),
    _integer("penalty"),
    Index("settlements_agreement_id", "agreement_id"),
)
readings = _event_table(
    "readings",
    _address("owner"),
    _integer("window"),
    _address("meter"),
    _integer("exported_wh"),
    _integer("imported_wh"),
    _integer("losses_wh"),
    Column("data_root", _HASH, nullable=False),
    Index("readings_window", "window", "block", "log_index"),
)
positions = _event_table(
    "positions",
    _address("participant"),
    _integer("window"),
    _integer("net_wh"),
    _integer("amount"),
    Index("positions_window", "window", "block", "log_index"),
)
covers = _event_table(
    "covers",
    _address("participant"),
    _integer("window"),
    _integer("energy_wh"),
    _integer("amount"),
    Index("covers_window", "window"),
)
terms = _event_table(
    "terms",
    Column("window", BigInteger, comment="null: the default of windows without their own"),
    Column("from_window", BigInteger, comment="the first window that has this default"),
    _integer("grid_floor"),
    _integer("grid_ceiling"),
    _integer("penalty_rate"),
    Index("terms_window", "window", "block", "log_index"),
)

memberships = _event_table(
    "memberships",
    _address("account"),
    Column("household_id", _HASH, nullable=False),
    Column("admitted", Boolean, nullable=False, comment="false: expelled"),
    Index("memberships_account", "account", "block", "log_index"),
)
voting_power = _event_table(
    "voting_power",
    _address("account"),
    _integer("votes"),
    Index("voting_power_account", "account", "block", "log_index"),
)
role_changes = _event_table(
    "role_changes",
    _integer("role"),
    _address("account"),
    Column("granted", Boolean, nullable=False),
    Index("role_changes_role", "role", "account", "block", "log_index"),
)
rules = _event_table(
    "rules",
    Column("contract", String(64), nullable=False),
    Column("name", String(32), nullable=False),
    _integer("value"),
    Index("rules_name", "contract", "name", "block", "log_index"),
)
pauses = _event_table("pauses", _address("account"), Column("paused", Boolean, nullable=False))
consortium_proposals = _event_table(
    "consortium_proposals",
    _uint256("proposal_id"),
    _address("proposer"),
    Column("targets", Text, nullable=False, comment="JSON"),
    Column("wei", Text, nullable=False, comment="JSON"),
    Column("calldatas", Text, nullable=False, comment="JSON"),
    Column("description", Text, nullable=False),
    _integer("vote_start"),
    _integer("vote_end"),
    Index("consortium_proposals_proposal_id", "proposal_id"),
)
ballots = _event_table(
    "ballots",
    _uint256("proposal_id"),
    _address("voter"),
    Column("support", Integer, nullable=False, comment="0 against, 1 for, 2 abstains"),
    _integer("weight"),
    Column("reason", Text, nullable=False),
    Index("ballots_proposal_id", "proposal_id"),
)
proposal_steps = _event_table(
    "proposal_steps",
    _uint256("proposal_id"),
    Column("step", String(16), nullable=False),
    Column("eta", BigInteger, comment="from when on it can be executed, once it is queued"),
    Index("proposal_steps_proposal_id", "proposal_id"),
)
deposit_confirmations = _event_table(
    "deposit_confirmations",
    Column("reference", _HASH, nullable=False),
    _address("treasurer"),
    _address("holder"),
    _uint256("amount"),
    Index("deposit_confirmations_reference", "reference"),
)
mints = _event_table(
    "mints",
    _address("holder"),
    _uint256("amount"),
    Column("reference", _HASH, nullable=False),
    Index("mints_reference", "reference"),
)
withdrawal_requests = _event_table(
    "withdrawal_requests",
    _integer("withdrawal_id"),
    _address("holder"),
    _uint256("amount"),
    Column("payout_hash", _HASH, nullable=False),
    Index("withdrawal_requests_withdrawal_id", "withdrawal_id"),
    Index("withdrawal_requests_holder", "holder", "block", "log_index"),
)
payout_confirmations = _event_table(
    "payout_confirmations",
    _integer("withdrawal_id"),
    _address("treasurer"),
    Column("reference", _HASH, nullable=False),
    Index("payout_confirmations_withdrawal_id", "withdrawal_id"),
)
rejections = _event_table(
    "rejections",
    _integer("withdrawal_id"),
    _address("treasurer"),
    Index("rejections_withdrawal_id", "withdrawal_id"),
)
withdrawal_ends = _event_table(
    "withdrawal_ends",
    _integer("withdrawal_id"),
    Column("state", String(16), nullable=False),
    Column("reference", _HASH, comment="of the bank's transaction, where it was paid"),
    Index("withdrawal_ends_withdrawal_id", "withdrawal_id"),
)
attestations = _event_table(
    "attestations",
    _uint256("reserve"),
    Column("statement_hash", _HASH, nullable=False),
    _address("auditor"),
)
doubts = _event_table(
    "doubts",
    _address("participant"),
    _integer("window"),
    _address("auditor"),
    _integer("until"),
    Index("doubts_participant", "participant", "window"),
)
reading_confirmations = _event_table(
    "reading_confirmations",
    _address("participant"),
    _integer("window"),
    _address("auditor"),
    Index("reading_confirmations_participant", "participant", "window"),
)
correction_confirmations = _event_table(
    "correction_confirmations",
    _address("participant"),
    _integer("window"),
    _address("auditor"),
    _integer("exported_wh"),
    _integer("imported_wh"),
    _integer("losses_wh"),
    Column("data_root", _HASH, nullable=False),
    Index("correction_confirmations_participant", "participant", "window"),
)
corrections = _event_table(
    "corrections",
    _address("participant"),
    _integer("window"),
    _integer("exported_wh"),
    _integer("imported_wh"),
    _integer("losses_wh"),
    Column("data_root", _HASH, nullable=False),
    Index("corrections_participant", "participant", "window"),
)
releases = _event_table(
    "releases",
    _address("participant"),
    _integer("window"),
    Index("releases_participant", "participant", "window"),
)
retractions = _event_table("retractions", _address("holder"), _integer("energy_wh"))

private_keys = _event_table(
    "private_keys",
    _address("account"),
    _point("key"),
    Index("private_keys_account", "account", "block", "log_index"),
)
private_auditors = _event_table("private_auditors", _point("key"))
private_rounds = _event_table(
    "private_rounds",
    _integer("window"),
    Column("ring", Points, nullable=False),
    Index("private_rounds_window", "window"),
)
private_offers = _event_table(
    "private_offers",
    _integer("offer_id"),
    _integer("window"),
    _integer("slot"),
    Column("image_x", Unsigned(_WORD), nullable=False),
    _address("owner"),
    _point("energy"),
    _point("floor_price"),
    _point("energy_handle"),
    _point("price_handle"),
    Column("ephemeral_key", LargeBinary(33), comment="null: it is longer"),
    Column("metadata", LargeBinary(LARGEST_METADATA), comment="null: it is longer"),
    Index("private_offers_offer_id", "offer_id"),
    Index("private_offers_window", "window", "block", "log_index"),
)
private_agreements = _event_table(
    "private_agreements",
    Column("agreement_id", _HASH, nullable=False),
    _integer("offer_id"),
    _integer("window"),
    _point("energy"),
    _point("price"),
    _point("cost"),
    _point("payout_key"),
    _point("payout_ephemeral"),
    _integer("payout_view_tag"),
    Column("payout_encrypted_amount", Unsigned(8), nullable=False),
    _point("refund_key"),
    _point("refund_blinding"),
    _point("energy_handle"),
    _point("price_handle"),
    Index("private_agreements_agreement_id", "agreement_id"),
    Index("private_agreements_offer_id", "offer_id"),
    Index("private_agreements_window", "window", "block", "log_index"),
)
private_ends = _event_table(
    "private_ends",
    Column("agreement_id", _HASH, nullable=False),
    Column("state", String(16), nullable=False),
    Column("in_full", Boolean, comment="null: cancelled"),
    Column("delivered", OnePoint, comment="null: cancelled"),
    Index("private_ends_agreement_id", "agreement_id"),
)
notes = _event_table(
    "notes",
    _integer("number"),
    _point("key"),
    _point("commitment"),
    _point("ephemeral"),
    _integer("view_tag"),
    Column("encrypted_amount", Unsigned(8), nullable=False),
    Index("notes_number", "number", unique=True),
)
note_images = _event_table(
    "note_images",
    _integer("number"),
    Column("x", Unsigned(_WORD), nullable=False),
    Index("note_images_number", "number", unique=True),
)
pool_movements = _event_table(
    "pool_movements",
    _address("account"),
    Column("kind", String(16), nullable=False),
    _integer("amount"),
    Index("pool_movements_account", "account", "block", "log_index"),
)
NUMBERED_TABLES = (notes, note_images)
"""Those whose rows are counted from 0 in the order in which they came."""

CHAIN_TABLES = (
    blocks,
    transactions,
    participants,
    certificates,
    revocations,
    movements,
    offers,
    cancellations,
    agreements,
    orders,
    fills,
    order_ends,
    clearings,
    pricing_rules,
    settlements,
    readings,
    positions,
    covers,
    terms,
    memberships,
    voting_power,
    role_changes,
    rules,
    pauses,
    consortium_proposals,
    ballots,
    proposal_steps,
    deposit_confirmations,
    mints,
    withdrawal_requests,
    payout_confirmations,
    rejections,
    withdrawal_ends,
    attestations,
    doubts,
    reading_confirmations,
    correction_confirmations,
    corrections,
    releases,
    retractions,
    private_keys,
    private_auditors,
    private_rounds,
    private_offers,
    private_agreements,
    private_ends,
    notes,
    note_images,
    pool_movements,
)

feed = Table(
    "feed",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("data", Text, nullable=False),
    sqlite_autoincrement=True,
)
messages = Table(
    "messages",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("conversation_id", String(128), nullable=False),
    Column("window", BigInteger, nullable=False),
    Column("sender", String(64), nullable=False),
    Column("receiver", String(64), nullable=False),
    Column("performative", String(32), nullable=False),
    Column("offer_id", BigInteger),
    Column("energy_wh", BigInteger),
    Column("price", BigInteger),
    Column("at", BigInteger, nullable=False),
    Index("messages_window", "window", "sequence"),
    Index("messages_conversation", "conversation_id", "sequence"),
    sqlite_autoincrement=True,
)
requests = Table(
    "requests",
    metadata,
    Column("sequence", _SEQUENCE, primary_key=True),
    Column("key", String(255), nullable=False, unique=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("status", Integer),
    Column("content_type", String(64)),
    Column("location", Text),
    Column("body", Text),
    sqlite_autoincrement=True,
)
