"""Proofs of each kind, made without chance: what lies in `vectors/` and what tests start from.

`python -m tests.privacy.cases` writes the vectors anew.
"""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app.privacy.audit import AuditorKey, prove_handles, verify_handles
from app.privacy.authorship import Act, claim, deny, verify_claim, verify_denial
from app.privacy.bulletproofs import RangeStatement, prove_ranges, verify_ranges
from app.privacy.clsag import SpendableNote, sign_spend, verify_spend
from app.privacy.committee import deal, open_partially, verify_partial
from app.privacy.curve import Point
from app.privacy.keys import MemberKey, Purpose, Wallet, prove_possession, verify_possession
from app.privacy.lsag import key_image, sign_as_member, verify_member
from app.privacy.notes import NoteKeys, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.product import Cost, Rounding, prove_cost, verify_cost
from app.privacy.randomness import Entropy
from app.privacy.transcript import context_of
from tests.privacy.encoding import encode

VECTORS = Path(__file__).parent / "vectors"

CHAIN_ID = 1337
CONTRACT = "0x00000000000000000000000000000000000000C5"
CONTEXT = context_of("peerwatt/test", CHAIN_ID, CONTRACT, 7)
MESSAGE = hashlib.sha256(b"what is to be executed").digest()


def entropy_of(name: str) -> Entropy:
    """Bytes that look random and are always the same."""
    count = 0

    def draw(size: int) -> bytes:
        nonlocal count
        count += 1
        return hashlib.shake_256(f"{name} {count}".encode()).digest(size)

    return draw


def wallet(name: str) -> Wallet:
    return Wallet(hashlib.sha256(name.encode()).digest())


def members(count: int) -> list[MemberKey]:
    return [wallet(f"member {i}").member for i in range(count)]


def publics(keys: list[MemberKey]) -> list[Point]:
    return [key.public for key in keys]


def opening(value: int, name: str = "") -> Opening:
    return Opening.of(value, entropy_of(f"opening of {value} {name}"))


def note_keys(name: str) -> NoteKeys:
    owner = wallet(name)
    return NoteKeys(owner.secret(Purpose.NOTE_SPEND), owner.secret(Purpose.NOTE_VIEW))


def spendable(amount: int, owner: str = "owner", name: str = "note") -> SpendableNote:
    """A note that its owner received, with what spends it."""
    keys = note_keys(owner)
    address = keys.address()
    sent = send_note(address, amount, entropy=entropy_of(f"{name} of {amount}"))
    received = receive_note(sent.note, sent.message, address.spend_public, keys.view_secret)
    assert received is not None
    return SpendableNote(received.note, received.secret(keys.spend_secret), received.opening)


def auditor() -> AuditorKey:
    return AuditorKey.generate(entropy=entropy_of("auditor"))


Arguments = dict[str, Any]
Case = tuple[Callable[..., bool], Arguments]


def possession() -> Case:
    key = members(1)[0]
    proof = prove_possession(key, CONTEXT, entropy=entropy_of("possession"))
    return verify_possession, {"public": key.public, "context": CONTEXT, "proof": proof}


def member_signature() -> Case:
    keys = members(4)
    signature = sign_as_member(keys[2], publics(keys), CONTEXT, MESSAGE, entropy=entropy_of("lsag"))
    return verify_member, {
        "signature": signature,
        "ring": publics(keys),
        "context": CONTEXT,
        "message": MESSAGE,
    }


def spend_signature() -> Case:
    notes = [spendable(amount) for amount in (5, 250_000, 17)]
    ring = [item.note for item in notes]
    signature = sign_spend(
        notes[1], ring, opening(250_000, "pseudo"), CONTEXT, MESSAGE, entropy=entropy_of("clsag")
    )
    return verify_spend, {
        "signature": signature,
        "ring": ring,
        "context": CONTEXT,
        "message": MESSAGE,
    }


def ranges() -> Case:
    batch = []
    for values, bits in (((9, 3, 1), (5, 2, 1)), ((1_000_000, 1023), (22, 10))):
        openings = [opening(value) for value in values]
        statement = RangeStatement(CONTEXT, bits, tuple(map(commit, openings)))
        proof = prove_ranges(statement, openings, entropy=entropy_of(f"ranges {bits}"))
        batch.append((statement, proof))
    return verify_ranges, {"batch": batch}


def cost_of(rounding: Rounding) -> Case:
    cost = Cost.of(opening(1_234), opening(210_123), rounding, 99, entropy=entropy_of("remainder"))
    proof = prove_cost(cost, CONTEXT, entropy=entropy_of("cost"))
    return verify_cost, {"statement": cost.statement(), "context": CONTEXT, "proof": proof}


def handles() -> Case:
    key = auditor()
    found, proof = prove_handles(
        [opening(1_234), opening(0)], key.public, CONTEXT, entropy=entropy_of("handles")
    )
    return verify_handles, {
        "handles": found,
        "auditor": key.public,
        "context": CONTEXT,
        "proof": proof,
    }


def partial_opening() -> Case:
    committee, shares = deal(auditor(), 2, 3, entropy=entropy_of("shares"))
    handle = handles()[1]["handles"][0].point
    partial = open_partially(
        committee, shares[2], handle, CONTEXT, entropy=entropy_of("partial opening")
    )
    return verify_partial, {
        "committee": committee,
        "handle": handle,
        "partial": partial,
        "context": CONTEXT,
    }


def claimed() -> Case:
    key = members(3)[2]
    act = Act(CONTEXT, key_image(key, CONTEXT)[0])
    proof = claim(key, act, MESSAGE, entropy=entropy_of("claim"))
    return verify_claim, {"public": key.public, "act": act, "context": MESSAGE, "proof": proof}


def denied() -> Case:
    keys = members(3)
    act = Act(CONTEXT, key_image(keys[2], CONTEXT)[0])
    denial = deny(keys[0], act, MESSAGE, entropy=entropy_of("denial"))
    return verify_denial, {
        "public": keys[0].public,
        "act": act,
        "context": MESSAGE,
        "denial": denial,
    }


CASES: dict[str, Callable[[], Case]] = {
    "possession": possession,
    "member-signature": member_signature,
    "spend-signature": spend_signature,
    "ranges": ranges,
    "cost-down": lambda: cost_of(Rounding.DOWN),
    "cost-up": lambda: cost_of(Rounding.UP),
    "handles": handles,
    "partial-opening": partial_opening,
    "claim": claimed,
    "denial": denied,
}


def encoded_case(name: str) -> tuple[Callable[..., bool], dict[str, Any]]:
    verify, arguments = CASES[name]()
    return verify, {key: encode(value) for key, value in arguments.items()}


def main() -> None:
    VECTORS.mkdir(exist_ok=True)
    for name in CASES:
        text = json.dumps(encoded_case(name)[1], indent=2) + "\n"
        (VECTORS / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
