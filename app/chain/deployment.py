"""Where the contracts are: deploys them, and reads and checks what the deploy script has saved."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import msgspec
from eth_utils.address import to_checksum_address

from app.chain.rpc import Rpc
from app.errors import ConfigurationError
from app.ledger.types import Address

ROOT = Path(__file__).resolve().parents[2]
DEPLOYMENTS = ROOT / "deployments"
DEPLOY_TIMEOUT = 300.0

Voting = Literal["quick", "demo"]

SCRIPT = "deploy"
PRIVATE_SCRIPT = "deploy_privacy"

_NETWORK = "local"
_OUTPUT_SHOWN = 2_000


class _SavedContract(msgspec.Struct):
    address: str


class _Saved(msgspec.Struct, rename="camel"):
    chain_id: int
    block: int
    contracts: dict[str, _SavedContract]


@dataclass(frozen=True, slots=True)
class Deployment:
    """Addresses of the contracts by name, on one chain; `block` is the first that has one."""

    chain_id: int
    block: int
    addresses: Mapping[str, Address]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads a file of the deploy script; ConfigurationError if it is not there or not one."""
        try:
            saved = msgspec.json.decode(path.read_bytes(), type=_Saved)
        except FileNotFoundError as error:
            raise ConfigurationError(
                f"{path} is missing", hint="deploy first: brownie run deploy"
            ) from error
        except msgspec.MsgspecError as error:
            raise ConfigurationError(f"{path}: {error}", hint="deploy again") from error
        addresses = {name: contract.address for name, contract in saved.contracts.items()}
        return cls(saved.chain_id, saved.block, addresses)

    @classmethod
    def of_chain(cls, chain_id: int) -> Self:
        """What `brownie run deploy` has saved for a chain."""
        return cls.load(DEPLOYMENTS / f"{chain_id}.json")

    async def check(self, rpc: Rpc) -> None:
        """Raises ConfigurationError unless these contracts are on the node's chain."""
        chain_id = await rpc.eth.chain_id
        if chain_id != self.chain_id:
            raise ConfigurationError(
                f"the deployment is of chain {self.chain_id}, the node of chain {chain_id}"
            )
        for name, address in self.addresses.items():
            if not await rpc.eth.get_code(to_checksum_address(address)):
                raise ConfigurationError(
                    f"there is no {name} at {address}",
                    hint="this chain is another, or was started anew: deploy again",
                )


async def deploy(
    node_url: str, path: Path, *, voting: Voting = "quick", private: bool = False
) -> Deployment:
    """Runs the brownie deploy script on a development node; saves the addresses to `path`.

    `voting` says how long the members' votes take: a minute and a half, or 7 hours. With `private`
    there is private trading, too.

    Takes some seconds, and some more where the contracts have to be compiled first. A busy Ganache
    now and then answers one of brownie's questions with nothing, which ends the script: it runs
    once more then, and deploys anew. Raises ConfigurationError with the last words of the script if
    that fails, too.
    """
    script = PRIVATE_SCRIPT if private else SCRIPT
    status, words = await _run_deploy_script(script, node_url, path, voting)
    if status != 0:
        status, words = await _run_deploy_script(script, node_url, path, voting)
    if status != 0:
        raise ConfigurationError(f"brownie run {script} failed ({status})", hint=words)
    return Deployment.load(path)


async def _run_deploy_script(
    script: str, node_url: str, path: Path, voting: Voting
) -> tuple[int, str]:
    """The script's exit status and its last words."""
    with tempfile.TemporaryFile(prefix="peerwatt-deploy-") as output:
        process = await asyncio.create_subprocess_exec(
            *_deploy_script(script, path),
            cwd=ROOT,
            env={**os.environ, "PEERWATT_RPC_URL": node_url, "PEERWATT_VOTING": voting},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            status = await asyncio.wait_for(process.wait(), DEPLOY_TIMEOUT)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        output.seek(0)
        return status, output.read()[-_OUTPUT_SHOWN:].decode(errors="replace").strip()


def _deploy_script(script: str, path: Path) -> list[str]:
    brownie = Path(sys.executable).with_name("brownie")
    if not brownie.exists():
        raise ConfigurationError(f"{brownie} is not installed", hint="make setup")
    return [str(brownie), "run", script, "main", str(path.resolve()), "--network", _NETWORK]
