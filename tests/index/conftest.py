"""A chain for the index alone, as its tests set it back."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy.engine import URL

from app.chain.deployment import deploy
from app.chain.keys import Keystore
from app.chain.node import EmbeddedNode
from app.chain.reader import BlockReader
from app.index.database import database_url
from app.ledger.chain import ChainLedger
from tests.index.chain import NOON, Chain, enrol

NOBODY = 65_534


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chain(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Chain]:
    folder = tmp_path_factory.mktemp("chain")
    async with EmbeddedNode(start_time=NOON) as node:
        deployment = await deploy(node.url, folder / "deployment.json")
        keys = Keystore.development(deployment.chain_id)
        async with await ChainLedger.connect(node.url, deployment, keys) as ledger:
            await enrol(ledger)
            reader = BlockReader(ledger.rpc, deployment, ledger.contracts)
            yield Chain(node, ledger, reader)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own, where the programs for it are installed."""
    initdb, server = shutil.which("initdb"), shutil.which("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed")
    user = NOBODY if os.geteuid() == 0 else None  # it refuses to run as root
    # pytest's own folders are closed to other users
    with tempfile.TemporaryDirectory(prefix="peerwatt-postgres-") as name:
        folder = Path(name)
        if user is not None:
            os.chown(folder, user, user)
        with _running_server(initdb, server, folder, user) as url:
            yield url


@contextmanager
def _running_server(initdb: str, server: str, folder: Path, user: int | None) -> Iterator[str]:
    data, log = folder / "data", folder / "log"
    subprocess.run(
        [initdb, "-D", data, "-U", "peerwatt", "-A", "trust", "-E", "UTF8", "--no-sync"],
        check=True,
        user=user,
        stdout=subprocess.DEVNULL,
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
    with log.open("w") as output:
        process = subprocess.Popen(
            [server, "-D", data, "-p", str(port), *options],
            user=user,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_until_it_answers(port, process, log)
        yield f"postgresql://peerwatt@127.0.0.1:{port}/postgres"
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_it_answers(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg

    while process.poll() is None:
        try:
            psycopg.connect(f"postgresql://peerwatt@127.0.0.1:{port}/postgres").close()
        except psycopg.OperationalError:
            continue
        return
    raise RuntimeError(log.read_text())


@pytest.fixture
def sqlite(tmp_path: Path) -> URL:
    return database_url(None, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest) -> URL:
    """Either kind of database, empty."""
    if request.param == "sqlite":
        return request.getfixturevalue("sqlite")
    import psycopg

    server = request.getfixturevalue("postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS market WITH (FORCE)")
        connection.execute("CREATE DATABASE market")
    return database_url(server.replace("/postgres", "/market"), Path())
