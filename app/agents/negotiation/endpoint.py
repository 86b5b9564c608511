"""Where an agent negotiates: what a participant publishes on the ledger, and mango's address.

mango+tcp://HOST:PORT/AGENT     reached over TCP, in mango's framing with its JSON codec
mango+local://CONTAINER/AGENT   within one process
"""

import re

from mango import AgentAddress

_TCP = re.compile(r"mango\+tcp://([A-Za-z0-9.-]{1,253}):(\d{1,5})/([A-Za-z0-9._-]{1,64})", re.ASCII)
_LOCAL = re.compile(r"mango\+local://([A-Za-z0-9._-]{1,64})/([A-Za-z0-9._-]{1,64})", re.ASCII)


def endpoint_of(address: AgentAddress) -> str:
    """The text for the ledger."""
    if isinstance(address.protocol_addr, str):
        return f"mango+local://{address.protocol_addr}/{address.aid}"
    host, port = address.protocol_addr
    return f"mango+tcp://{host}:{port}/{address.aid}"


def address_of(endpoint: str) -> AgentAddress | None:
    """Mango's address, or None for what is no endpoint of ours."""
    tcp = _TCP.fullmatch(endpoint)
    if tcp and 0 < int(tcp[2]) < 2**16:
        return AgentAddress((tcp[1], int(tcp[2])), tcp[3])
    local = _LOCAL.fullmatch(endpoint)
    return AgentAddress(local[1], local[2]) if local else None


def sender_of(meta: dict[str, object]) -> AgentAddress | None:
    """Who sent a message, from its envelope; None if that is no address one can answer to."""
    protocol_addr, aid = meta.get("sender_addr"), meta.get("sender_id")
    if not isinstance(aid, str):
        return None
    if isinstance(protocol_addr, str):
        return AgentAddress(protocol_addr, aid)
    if isinstance(protocol_addr, list | tuple) and len(protocol_addr) == 2:
        host, port = protocol_addr
        if isinstance(host, str) and type(port) is int and 0 < port < 2**16:
            return AgentAddress((host, port), aid)
    return None
