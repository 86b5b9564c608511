"""What a chain has recorded of meters' raw data: the readings' events, which have its hash."""

from app.ledger.chain import REGISTRY, ChainLedger
from app.ledger.types import Address, Event


async def recorded_reading(ledger: ChainLedger, owner: Address, window: int) -> Event | None:
    """The event with which the chain has recorded an owner's reading; None if there is none."""
    registry = ledger.contracts[REGISTRY]
    logs = await ledger.rpc.read(
        "eth_getLogs",
        {
            "fromBlock": hex(ledger.deployment.block),
            "toBlock": "latest",
            "address": registry.address,
            "topics": [
                f"0x{registry.topic_of('ReadingRecorded').hex()}",
                f"0x{int(owner, 16):064x}",
                f"0x{window:064x}",
            ],
        },
    )
    events = (registry.event(log) for log in logs)
    return next((event for event in events if event is not None), None)
