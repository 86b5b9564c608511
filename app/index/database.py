"""The SQL database: one writer at a time, readers beside it, none of them on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError

from app.errors import ConfigurationError, DatabaseUnavailableError

T = TypeVar("T")

_READERS = 4


def database_url(url: str | None, data_dir: Path) -> URL:
    """The address of the database: `url` (DATABASE_URL), or SQLite in `data_dir`.

    Raises ConfigurationError for an address that is none, or of another kind of database.
    """
    if not url:
        return URL.create("sqlite", database=str(data_dir / "index.db"))
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(
            "DATABASE_URL is not an address of a database",
            hint="for example postgresql://user@127.0.0.1/peerwatt",
        ) from error
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername in ("sqlite", "sqlite+pysqlite") and parsed.database:
        return parsed
    raise ConfigurationError(
        f"DATABASE_URL: {parsed.drivername} is not supported",
        hint="use postgresql://... or sqlite:///path/of/a/file",
    )


class Database:
    """A database that coroutines can use.

    `write` runs a function in one transaction, one after another, so that SQLite is never locked
    and a position never runs ahead of its rows; `read` runs beside it, in a transaction of its own.
    """

    def __init__(self, url: URL) -> None:
        self._engine = _engine(url)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="index-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="index-reader")

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in a transaction that is committed when it returns."""
        return await asyncio.get_running_loop().run_in_executor(self._writer, self._run, work)

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Runs `work`, which only reads, on one consistent state."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._run, work)

    async def close(self) -> None:
        """Waits for what is under way and closes all connections."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._writer.shutdown()
        self._readers.shutdown()
        self._engine.dispose()

    def _run(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._engine.begin() as connection:
                return work(connection)
        except (InterfaceError, OperationalError) as error:
            raise DatabaseUnavailableError(
                f"the database does not answer: {error.orig}", hint="try again shortly"
            ) from error


def _engine(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(
            url, isolation_level="REPEATABLE READ", pool_size=_READERS + 1, pool_pre_ping=True
        )
    engine = create_engine(url, pool_size=_READERS + 1)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        # The driver begins transactions late and not before reading; SQLAlchemy begins them below.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA busy_timeout = 10000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
