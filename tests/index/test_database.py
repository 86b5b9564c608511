from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import URL

from app.errors import ConfigurationError, DatabaseUnavailableError
from app.index import schema, store
from app.index.broadcast import Broadcast
from app.index.database import Database, database_url
from app.index.journal import Message, MessageJournal
from app.index.queries import messages
from app.index.store import FEED_LENGTH


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("postgres://a@b/c", "postgresql+psycopg"),
        ("postgresql://a@b/c", "postgresql+psycopg"),
        ("postgresql+psycopg://a@b/c", "postgresql+psycopg"),
        ("sqlite:///some.db", "sqlite"),
        (None, "sqlite"),
        ("", "sqlite"),
    ],
)
def test_an_address_says_which_database(given: str | None, driver: str, tmp_path: Path) -> None:
    assert database_url(given, tmp_path).drivername == driver


@pytest.mark.parametrize("given", ["nonsense", "mysql://a@b/c", "sqlite://", "http://a"])
def test_a_wrong_address_is_refused(given: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        database_url(given, tmp_path)


async def test_a_piece_of_work_is_done_whole_or_not_at_all(url: URL) -> None:
    database = Database(url)
    await database.write(schema.metadata.create_all)

    def half(connection: object) -> None:
        store.add_to_feed(connection, [("offer", {"a": 1})])
        raise LookupError

    with pytest.raises(LookupError):
        await database.write(half)
    assert await database.read(store.feed_bounds) == (1, 0)
    await database.close()


async def test_a_database_that_is_away_is_named() -> None:
    database = Database(database_url("postgresql://nobody@127.0.0.1:1/none", Path()))
    with pytest.raises(DatabaseUnavailableError):
        await database.read(lambda each: each.execute(text("select 1")))
    await database.close()


async def test_the_feed_keeps_the_latest_and_never_counts_back(url: URL) -> None:
    database = Database(url)
    await database.write(schema.metadata.create_all)
    many = [("offer", {"number": number}) for number in range(FEED_LENGTH + 10)]
    entries = await database.write(lambda each: store.add_to_feed(each, many))
    assert len(entries) == FEED_LENGTH + 10
    first, last = await database.read(store.feed_bounds)
    assert last - first + 1 == FEED_LENGTH
    assert last == entries[-1].sequence
    missed = await database.read(lambda each: store.feed_after(each, last - 2, 10))
    assert [each.data for each in missed] == [
        f'{{"number": {FEED_LENGTH + 8}}}',
        f'{{"number": {FEED_LENGTH + 9}}}',
    ]
    await database.write(lambda each: each.execute(schema.feed.delete()) and None)
    (after,) = await database.write(lambda each: store.add_to_feed(each, [("offer", {})]))
    assert after.sequence == last + 1
    await database.close()


async def test_large_numbers_are_sent_as_text(sqlite: URL) -> None:
    database = Database(sqlite)
    await database.write(schema.metadata.create_all)
    news = [("movement", {"amount": 2**53 + 1, "block": 5})]
    (entry,) = await database.write(lambda each: store.add_to_feed(each, news))
    assert entry.data == '{"amount": "9007199254740993", "block": 5}'
    await database.close()


async def test_messages_are_kept_and_announced_in_their_order(url: URL) -> None:
    database, broadcast = Database(url), Broadcast()
    await database.write(schema.metadata.create_all)
    listener = broadcast.subscribe()
    sent = [
        Message("c", 9, "a", "b", "propose", None, 10 * number, None, number)
        for number in range(2_500)
    ]
    async with MessageJournal(database, broadcast) as journal:
        stream = aiter(listener)
        for message in sent[:500]:
            journal.record(message)
        heard = [(await anext(stream)).kind for _ in range(500)]
        assert set(heard) == {"message"}
        broadcast.unsubscribe(listener)
        for message in sent[500:]:
            journal.record(message)
    kept = await database.read(lambda each: messages(each, limit=10_000))
    assert [each.at for each in kept] == list(range(2_500))[::-1]
    await database.close()
