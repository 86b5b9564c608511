"""What brownie has to know before it compiles: it imports this file when it loads the project.

The environment can say otherwise: `SOLCX_BINARY_PATH` (folder of the compiler), `PEERWATT_RPC_URL`
(node of the network `local`), `PEERWATT_TEST_PORT` (port of the node that brownie starts).
"""

import os
import socket
import sys
import warnings
from pathlib import Path
from urllib.parse import urlsplit

from brownie._config import CONFIG
from brownie.network.rpc import anvil

ROOT = Path(__file__).resolve().parent
LOCAL_URL = os.environ.get("PEERWATT_RPC_URL", "http://127.0.0.1:8545")
TEST_PORT = int(os.environ.get("PEERWATT_TEST_PORT", "8545"))


def listens(url: str) -> bool:
    """Whether something accepts connections at the host and port of `url`."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5).close()
    except OSError:
        return False
    return True


os.environ.setdefault("SOLCX_BINARY_PATH", str(ROOT / ".solc"))
os.environ["PATH"] = f"{ROOT / 'node_modules' / '.bin'}{os.pathsep}{os.environ.get('PATH', '')}"

# Brownie calls its own rpc object the way it tells others not to.
warnings.filterwarnings("ignore", r"rpc\.\w+ should not be called directly", FutureWarning)

for name in ("ganache-cli", "anvil"):
    CONFIG.networks[name]["cmd_settings"]["port"] = TEST_PORT
    CONFIG.networks[name]["timeout"] = 120  # seconds: Ganache takes its time for proofs
# A node of this machine that runs already. `cmd` makes it a development network for brownie, which
# would start one where none runs: hence the check below.
CONFIG.networks["local"] = {
    "id": "local",
    "name": "Local testnet",
    "cmd": "ganache-cli",
    "cmd_settings": {},
    "host": LOCAL_URL,
    "timeout": 60,
}


def mine(blocks: int | None = None) -> None:
    """What brownie calls blocks is a time, which its own hands anvil without the list around it."""
    anvil._request("evm_mine", [] if blocks is None else [blocks])


anvil.mine = mine

# Scripts act on the running testnet; tests and the console have a Ganache of their own.
CONFIG.settings["networks"]["default"] = "local" if CONFIG.mode == "run" else "ganache-cli"

if CONFIG.mode == "run" and CONFIG.argv["network"] in (None, "local") and not listens(LOCAL_URL):
    sys.exit(f"No node answers at {LOCAL_URL}: start one, or name another by PEERWATT_RPC_URL")
