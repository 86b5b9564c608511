"""What everybody sees of private trading, as the index tells it, and as the chain does."""

import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from app.agents.enrolment import bring_money
from app.chain.deployment import deploy
from app.chain.keys import RELAYER, TREASURERS, Keystore, development_address
from app.chain.node import EmbeddedNode
from app.chain.reader import BlockReader
from app.errors import ContractRevertedError
from app.index import private, queries, schema
from app.index.market_index import MarketIndex
from app.index.paging import Cut
from app.index.private_records import PrivateAgreementRecord, PrivateOfferRecord
from app.ledger.chain import ChainLedger
from app.ledger.consortium import MEMBERSHIP, ProposedCall, decide_all
from app.ledger.private import NoteLog, PrivateLedger
from app.ledger.private_calls import POOL, PRIVATE_MARKET, make_offer
from app.market.windows import COMMIT_MARGIN, commit_start, window_at
from app.privacy.curve import Point
from app.privacy.keys import Wallet
from app.privacy.notes import NoteMessage, send_note
from app.privacy.pedersen import commit
from app.privacy.trading import Agreement, OfferDraft
from app.privacy.trading import make_offer as prove_offer
from benchmarks.private_round import AGREED_WH, MONEY, Member, Report, Round, Trade, prepare
from tests.index.chain import NOON, Chain, enrol, rows_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERS, RING = 5, 4
RELAY = development_address(RELAYER)
PRIVATE_TABLES = (
    schema.private_keys,
    schema.private_auditors,
    schema.private_rounds,
    schema.private_offers,
    schema.private_agreements,
    schema.private_ends,
    schema.notes,
    schema.note_images,
    schema.pool_movements,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    folder = tmp_path_factory.mktemp("private-chain")
    async with EmbeddedNode("anvil", start_time=NOON) as node:
        deployment = await deploy(node.url, folder / "deployment.json", private=True)
        keys = Keystore.development(deployment.chain_id)
        async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
            await enrol(ledger)
            yield Chain(node, ledger, BlockReader(ledger.rpc, deployment, ledger.contracts))


@pytest.fixture(scope="module")
def members() -> list[Member]:
    return [Member.of(number, secrets.token_bytes(32)) for number in range(MEMBERS)]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ledger(chain: Chain, members: list[Member]) -> PrivateLedger:
    """Private trading, with a key and a note of each member."""
    return await prepare(chain.ledger, members)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def played(chain: Chain, ledger: PrivateLedger, members: list[Member]) -> list[Trade]:
    """Three trades: delivered, delivered in part, and not at all."""
    return await play(chain, ledger, members)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """For a second index."""
    found = tmp_path / "fresh"
    found.mkdir()
    return found


async def play(chain: Chain, ledger: PrivateLedger, members: list[Member]) -> list[Trade]:
    played = Round(ledger, members, RING, Report())
    await played.look()
    return await played.play(await new_window(chain))


async def new_window(chain: Chain) -> int:
    """A window that no test has opened a round of; the time goes on to one before it."""
    await chain.advance_to(commit_start(window_at(chain.ledger.now() + COMMIT_MARGIN) + 1))
    return window_at(chain.ledger.now() + COMMIT_MARGIN) + 1


async def open_round(chain: Chain, ledger: PrivateLedger) -> int:
    """Opens a round; its window."""
    window = await new_window(chain)
    await ledger.open_round(RELAY, window)
    return window


async def offer_alone(
    ledger: PrivateLedger, maker: Member, window: int, sealed: bytes = b""
) -> None:
    """An offer in a round that is opened for it."""
    await ledger.open_round(RELAY, window)
    ring = await ledger.ring_of(window)
    draft = OfferDraft(window, 0, 1_000, 100_000, sealed)
    made = prove_offer(ledger.rules, maker.wallet.member, ring, draft, maker.stealth)
    await ledger.send(RELAY, make_offer(made.terms, made.proofs))


async def join_again(ledger: PrivateLedger, member: Member) -> None:
    """Brings a little more money into the pool."""
    treasurers = [development_address(number) for number in TREASURERS]
    await bring_money(ledger.ledger, treasurers, member.account, 7, secrets.token_bytes(32))
    await ledger.deposit(member.account, member.purse.keys, 7)


async def offers_of(index: MarketIndex, window: int) -> list[PrivateOfferRecord]:
    return await index.read(lambda each: private.offers(each, window))


async def agreements_of(index: MarketIndex, window: int) -> list[PrivateAgreementRecord]:
    cut = Cut(oldest_first=True)
    found = await index.read(lambda each: private.agreements(each, cut, window=window))
    assert found.next is None
    return list(found.items)


def window_of(trades: list[Trade]) -> int:
    return trades[0].made.agreement.offer_id >> 32


async def test_a_round_is_as_on_the_chain(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], url: URL
) -> None:
    window = window_of(played)
    async with chain.indexed(url) as index:
        found = await index.read(lambda each: private.round_of(each, window))
        assert found is not None
        assert found.ring == await ledger.ring_of(window)
        assert (found.offers, found.agreements, found.settled, found.cancelled) == (2, 3, 2, 1)
        offers = await offers_of(index, window)
        seen = await ledger.offers(window)
        for mine, its in zip(offers, seen, strict=True):
            terms = its.terms
            assert mine.offer_id == its.id
            assert (mine.window, mine.slot, mine.owner) == (window, 0, terms.owner)
            assert (mine.energy, mine.floor_price) == (terms.energy, terms.floor_price)
            assert mine.energy_handle == terms.energy_handle
            assert mine.price_handle == terms.price_handle
            assert (mine.ephemeral_key, mine.metadata) == (terms.ephemeral_key, terms.metadata)
            assert await index.read(lambda each, mine=mine: private.offer(each, mine.offer_id)) == (
                mine
            )


async def test_agreements_are_as_both_sides_made_them(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], url: URL
) -> None:
    async with chain.indexed(url) as index:
        found = await agreements_of(index, window_of(played))
    assert [each.agreement_id for each in found] == [f"0x{each.made.id.hex()}" for each in played]
    for record, trade in zip(found, played, strict=True):
        message = NoteMessage(
            record.payout_ephemeral, record.payout_view_tag, record.payout_encrypted_amount
        )
        assert trade.made.agreement == Agreement(
            record.offer_id,
            record.energy,
            record.price,
            record.cost,
            record.payout_key,
            message,
            record.refund_key,
            record.refund_blinding,
        )
        assert record.energy_handle == trade.made.proofs.energy_handle
        assert record.price_handle == trade.made.proofs.price_handle
        if trade.delivered_wh == AGREED_WH:
            assert (record.state, record.in_full) == ("settled", True)
            assert record.delivered == commit(trade.made.energy)
        elif trade.delivered_wh:
            assert (record.state, record.in_full) == ("settled", False)
            assert record.delivered not in (None, record.energy)
        else:
            assert (record.state, record.in_full, record.delivered) == ("cancelled", None, None)
        assert record.ended_at is not None
        assert record.ended_at > record.at
        assert record.ended_by not in (None, record.transaction_hash)


async def test_notes_are_numbered_as_they_came(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], url: URL
) -> None:
    log = NoteLog()
    await ledger.new_notes(log)
    async with chain.indexed(url) as index:
        notes = await index.read(lambda each: private.notes(each, 0, 1_000))
        assert [each.number for each in notes] == list(range(len(log.notes)))
        for mine, its in zip(notes, log.notes, strict=True):
            assert (mine.key, mine.commitment) == (its.note.key, its.note.commitment)
            if its.message is not None:
                assert (
                    NoteMessage(mine.ephemeral, mine.view_tag, mine.encrypted_amount) == its.message
                )
        images = await index.read(lambda each: private.images(each, 0, 1_000))
        assert [each.number for each in images] == list(range(len(log.spent)))
        assert {each.x for each in images} == log.spent
        last_two = await index.read(lambda each: private.notes(each, len(notes) - 2, 1_000))
        assert last_two == notes[-2:]
        assert await index.read(lambda each: private.notes(each, 3, 2)) == notes[3:5]
        assert await index.read(lambda each: private.notes(each, len(notes), 2)) == []


async def test_the_counts_are_those_of_the_lists(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], url: URL
) -> None:
    async with chain.indexed(url) as index:
        counts = await index.read(private.counts)
        notes = await index.read(lambda each: private.notes(each, 0, 1_000))
        moved = (await index.read(lambda each: private.movements(each, Cut(200)))).items
    pool = ledger.rules.pool.address
    assert counts.deposited - counts.withdrawn == await ledger.ledger.payment_balance_of(pool)
    assert counts.deposited == sum(each.amount for each in moved if each.kind == "deposit")
    assert counts.withdrawn == sum(each.amount for each in moved if each.kind == "withdrawal") > 0
    assert counts.notes == len(notes)
    assert (counts.agreements, counts.settled, counts.cancelled) == (3, 2, 1)


async def test_events_of_the_same_name_are_told_apart(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], members: list[Member], url: URL
) -> None:
    """Both markets make offers and agreements, and money goes into both."""
    agreement = await chain.trade()
    async with chain.indexed(url) as index:
        rows = await rows_of(index)
        open_trades = await index.read(lambda each: queries.agreements(each, Cut(200)))
        sealed = await index.read(lambda each: private.agreements(each, Cut(200)))
        moved = await index.read(lambda each: queries.movements(each, Cut(200)))
        summary = await index.read(queries.summary)
    agreement_id = chain.reader.agreement_id(agreement)
    assert agreement_id in {each.agreement_id for each in open_trades.items}
    assert not {each.agreement_id for each in open_trades.items} & {
        each.agreement_id for each in sealed.items
    }
    assert MONEY not in {each.amount for each in moved.items}
    assert len(rows["participants"]) == 2  # the members' keys are no participants
    gas = summary.gas_by_function
    assert {"makeOffer", "PrivateMarket.makeOffer", "NotePool.deposit"} <= gas.keys()
    assert gas["PrivateMarket.makeOffer"] > 2 * gas["makeOffer"]
    assert sum(gas.values()) == summary.gas_total


@pytest.mark.parametrize("others", [False, True])
async def test_replaced_blocks_are_undone(
    chain: Chain,
    ledger: PrivateLedger,
    played: list[Trade],
    members: list[Member],
    url: URL,
    folder: Path,
    others: bool,
) -> None:
    """A round, an offer and a note go, and others come or none: numbers are given anew."""
    window = await new_window(chain)
    snapshot = await chain.snapshot()
    async with chain.indexed(url) as index:
        before = await rows_of(index)
        await offer_alone(ledger, members[0], window)
        await join_again(ledger, members[1])
        await chain.catch_up(index)
        (old,) = await offers_of(index, window)
        notes = (await index.read(private.counts)).notes

        await chain.set_back(snapshot)
        if others:
            await offer_alone(ledger, members[2], window)
            await join_again(ledger, members[3])
        await chain.catch_up(index)
        found = await offers_of(index, window)
        assert old.image_x not in {each.image_x for each in found}
        numbers = [
            each.number for each in await index.read(lambda each: private.notes(each, 0, 1_000))
        ]
        assert numbers == list(range(notes if others else notes - 1))
        assert (await rows_of(index) == before) == (not others)
        assert await rows_of(index) == await chain.rows(folder)


async def test_a_rebuild_brings_back_the_same(chain: Chain, played: list[Trade], url: URL) -> None:
    async with chain.indexed(url) as index:
        before = await rows_of(index)
        await index.follower.rebuild()
        assert await rows_of(index) == before
        assert all(before[table.name] for table in PRIVATE_TABLES)


async def test_what_is_too_long_is_left_out(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], members: list[Member], sqlite: URL
) -> None:
    """The contract takes offers with details of any length, which the relay doesn't."""
    longest = schema.LARGEST_METADATA - 1  # the view tag is the first byte
    windows = [await new_window(chain)]
    await offer_alone(ledger, members[0], windows[0], secrets.token_bytes(longest))
    windows.append(await new_window(chain))
    await offer_alone(ledger, members[0], windows[1], secrets.token_bytes(longest + 1))
    async with chain.indexed(sqlite) as index:
        (kept,), (left_out,) = [await offers_of(index, window) for window in windows]
    assert kept.metadata is not None
    assert len(kept.metadata) == schema.LARGEST_METADATA
    assert left_out.metadata is None
    assert left_out.ephemeral_key is not None


async def test_of_a_private_call_the_function_alone_is_read(
    chain: Chain, ledger: PrivateLedger, sqlite: URL
) -> None:
    """Its lists may all point to the same place, and be much longer than it is."""
    market = chain.ledger.contracts[PRIVATE_MARKET]
    nonsense = market.encode("makeOffers", [], [])[:4] + (32).to_bytes(32) * 1_000
    with pytest.raises(ContractRevertedError) as refused:
        await chain.ledger.send(RELAY, PRIVATE_MARKET, "makeOffers", nonsense, 2_000_000)
    async with chain.indexed(sqlite) as index:
        sent = await index.read(
            lambda each: queries.transaction(each, refused.value.transaction_hash)
        )
    assert sent is not None
    assert (sent.contract, sent.function, sent.succeeded) == (PRIVATE_MARKET, "makeOffers", False)


async def test_a_note_that_nobody_can_find_stops_nobody(
    chain: Chain, ledger: PrivateLedger, members: list[Member], sqlite: URL
) -> None:
    """The pool takes any two numbers for the point that a note is found by."""
    made = send_note(members[0].purse.address, 5)
    message = (2**256 - 1, 2**256 - 2), 255, 2**64 - 1
    row = (made.opening.value, made.opening.blinding, made.note.key, message)
    data = chain.ledger.contracts[POOL].encode("deposit", *row)
    account = members[0].account
    treasurers = [development_address(number) for number in TREASURERS]
    await bring_money(chain.ledger, treasurers, account, 5, secrets.token_bytes(32))
    await chain.ledger.send(account, POOL, "deposit", data, 1_000_000)
    async with chain.indexed(sqlite) as index:
        count = (await index.read(private.counts)).notes
        (found,) = await index.read(lambda each: private.notes(each, count - 1, 1))
    assert (found.ephemeral, found.view_tag, found.encrypted_amount) == message


async def test_keys_are_those_that_the_market_has(
    chain: Chain, ledger: PrivateLedger, played: list[Trade], members: list[Member], sqlite: URL
) -> None:
    """A key that is replaced is gone at once; that of who is expelled, with the next round, and
    then somebody else can have it.
    """
    taking, replacing, leaving = members[2:5]
    async with chain.indexed(sqlite) as index:

        async def keys() -> dict[str, tuple[Point, bool]]:
            await chain.catch_up(index)
            found = await index.read(private.members)
            return {each.account: (each.key, each.is_member) for each in found}

        assert await keys() == {each.account: (each.wallet.member.public, True) for each in members}
        new = Wallet(secrets.token_bytes(32)).member
        await ledger.publish_key(replacing.account, new)
        assert (await keys())[replacing.account] == (new.public, True)
        expulsion = ProposedCall(MEMBERSHIP, "expel", (leaving.account,))
        await decide_all(chain.ledger, members[0].account, [expulsion])
        assert (await keys())[leaving.account] == (leaving.wallet.member.public, False)

        second = await open_round(chain, ledger)
        assert leaving.account not in await keys()
        for account, (key, _) in (await keys()).items():
            assert key == await chain.ledger.read(PRIVATE_MARKET, "keyOf", account)

        await ledger.publish_key(taking.account, leaving.wallet.member)
        third = await open_round(chain, ledger)
        assert leaving.account not in await keys()
        assert (await keys())[taking.account] == (leaving.wallet.member.public, True)

        async def key_in(window: int, member: Member) -> Point | None:
            opened = await index.read(lambda each: private.round_of(each, window))
            assert opened is not None
            return await index.read(lambda each: private.key_in_ring(each, member.account, opened))

        first = window_of(played)
        assert await key_in(first, replacing) == replacing.wallet.member.public
        assert await key_in(second, replacing) == await key_in(third, replacing) == new.public
        assert await key_in(first, leaving) == leaving.wallet.member.public
        assert await key_in(second, leaving) is await key_in(third, leaving) is None
        assert await key_in(second, taking) == taking.wallet.member.public
        assert await key_in(third, taking) == leaving.wallet.member.public


async def test_the_auditors_key_is_the_latest(
    chain: Chain, ledger: PrivateLedger, members: list[Member], sqlite: URL
) -> None:
    async with chain.indexed(sqlite) as index:
        assert await index.read(private.auditor) == ledger.rules.auditor
        new = members[0].wallet.member.public
        change = ProposedCall(PRIVATE_MARKET, "setAuditor", (new,))
        await decide_all(chain.ledger, members[0].account, [change])
        await chain.catch_up(index)
        assert await index.read(private.auditor) == new
