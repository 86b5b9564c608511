"""Measures what privacy costs its users: the time to prove and to verify.

    python -m benchmarks.privacy                 the fastest backend here and plain integers
    python -m benchmarks.privacy --reference     py_ecc as well, which takes minutes

Processor milliseconds of one process, the median of several runs; a noisy machine moves them, so
that no test looks at them. A whole trade is what its two sides prove together, from the offer to
the payment.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial
from itertools import islice

from app.market.units import cost_up
from app.privacy.audit import AuditorKey, ValueFinder, make_handle, open_handle, prove_handles
from app.privacy.audit import verify_handles as check_handles
from app.privacy.bulletproofs import RangeStatement, generators, prove_ranges, verify_ranges
from app.privacy.clsag import SpendableNote, sign_spend, verify_spend
from app.privacy.curve import BLINDING_BASE, Curve, N
from app.privacy.fast_curve import FAST, FastCurve
from app.privacy.keys import MemberKey, prove_possession, verify_possession
from app.privacy.lsag import sign_as_member, verify_member
from app.privacy.notes import NoteKeys, receive_note, send_note
from app.privacy.pedersen import Opening, commit
from app.privacy.product import Cost, Rounding, prove_cost, verify_cost
from app.privacy.randomness import random_scalar
from app.privacy.reference import REFERENCE
from app.privacy.transcript import context_of

CONTEXT = context_of("peerwatt/benchmark", 1337, "0x" + "c5" * 20)
MESSAGE = bytes(32)
AIM_MILLISECONDS = 1_000
RING = 11
AMOUNT, ENERGY_WH, PRICE_PER_KWH, FLOOR, CEILING = 1_000_000, 1_234, 210_123, 80_000, 320_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.privacy", description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--reference", action="store_true", help="measure py_ecc too")
    arguments = parser.parse_args()
    curves: list[tuple[Curve, int]] = [(FAST, arguments.runs)]
    if FAST.name != FastCurve().name:
        curves.append((FastCurve(), arguments.runs))
    if arguments.reference:
        curves.append((REFERENCE, 1))
    generators()
    for curve, runs in curves:
        show(curve, runs)


def show(curve: Curve, runs: int) -> None:
    print(f"{curve.name}, median of {runs}                  prove    verify  (ms)")
    curve.multiply(BLINDING_BASE, 2)  # builds the tables
    for name, prove, verify in proofs(curve):
        proving = median(prove, runs)
        verifying = median(partial(verify, prove()), runs)
        print(f"  {name:40} {proving:8.1f}  {verifying:8.1f}")
    whole = median(trade(curve), runs)
    print(f"  {'whole trade':40} {whole:8.1f}            aim {AIM_MILLISECONDS}")
    show_auditor(curve)


def median(action: Callable[[], object], runs: int) -> float:
    return statistics.median(islice(times(action), runs))


def times(action: Callable[[], object]):  # type: ignore[no-untyped-def]
    while True:
        start = time.process_time()
        action()
        yield 1_000 * (time.process_time() - start)


def proofs(curve: Curve):  # type: ignore[no-untyped-def]
    """(name, what proves, what verifies the proof) of each kind."""
    keys, ring = members(RING)
    yield (
        "possession of a member key",
        lambda: prove_possession(keys[0], CONTEXT, curve=curve),
        lambda proof: verify_possession(ring[0], CONTEXT, proof, curve=curve),
    )
    for size in (4, 8, RING, 16):
        keys, ring = members(size)
        yield (
            f"act of one of {size} members",
            partial(sign_as_member, keys[1], ring, CONTEXT, MESSAGE, curve=curve),
            lambda proof, ring=ring: verify_member(proof, ring, CONTEXT, MESSAGE, curve=curve),
        )
    for bits in ((16,), (32,), (32, 32), (22, 22, 10, 10), (64, 64)):
        openings = [Opening.of(2**width - 1) for width in bits]
        statement = RangeStatement(CONTEXT, bits, tuple(map(commit, openings)))
        yield (
            f"ranges of {' + '.join(map(str, bits))} bits",
            partial(prove_ranges, statement, openings, curve=curve),
            lambda proof, statement=statement: verify_ranges([(statement, proof)], curve=curve),
        )
    cost = Cost.of(Opening.of(ENERGY_WH), Opening.of(PRICE_PER_KWH), Rounding.UP, 9)
    yield (
        "cost of energy at a price",
        lambda: prove_cost(cost, CONTEXT, curve=curve),
        lambda proof: verify_cost(cost.statement(), CONTEXT, proof, curve=curve),
    )
    auditor = AuditorKey.generate().public
    yield (
        "two handles for the auditor",
        lambda: prove_handles([cost.energy, cost.price], auditor, CONTEXT, curve=curve),
        lambda found: check_handles(found[0], auditor, CONTEXT, found[1], curve=curve),
    )
    spendable, notes = spendable_note(RING)
    yield (
        f"spend of one of {RING} notes",
        lambda: sign_spend(spendable, notes, Opening.of(AMOUNT), CONTEXT, MESSAGE, curve=curve),
        lambda proof: verify_spend(proof, notes, CONTEXT, MESSAGE, curve=curve),
    )


def members(count: int) -> tuple[list[MemberKey], list[tuple[int, int]]]:
    keys = [MemberKey.from_secret(random_scalar()) for _ in range(count)]
    return keys, [key.public for key in keys]


def spendable_note(ring: int) -> tuple[SpendableNote, list]:  # type: ignore[type-arg]
    owner = NoteKeys(random_scalar(), random_scalar())
    address = owner.address()
    sent = [send_note(address, AMOUNT) for _ in range(ring)]
    received = receive_note(sent[0].note, sent[0].message, address.spend_public, owner.view_secret)
    assert received is not None
    note = SpendableNote(received.note, received.secret(owner.spend_secret), received.opening)
    return note, [item.note for item in sent]


def trade(curve: Curve) -> Callable[[], None]:
    """What proves an offer, an agreement and the payment into escrow, all in a ring of eleven.

    Ranges: offer 28 bits of energy and 18 each for the price above the floor and below the ceiling;
    agreement 22 bits each of energy and of what is left, and the remainder of the cost;
    payment 32 bits each of payment and change.
    """
    keys, ring = members(RING)
    auditor = AuditorKey.generate().public
    spendable, notes = spendable_note(RING)
    seller = NoteKeys(random_scalar(), random_scalar()).address()
    energy, price, offered = map(Opening.of, (ENERGY_WH, PRICE_PER_KWH, 5_000))

    def prove() -> None:
        margins = [price - Opening(FLOOR, 0), Opening(CEILING, 0) - price]
        prove_all([offered, *margins], (28, 18, 18), curve)
        prove_handles([offered, price], auditor, CONTEXT, curve=curve)
        sign_as_member(keys[1], ring, CONTEXT, MESSAGE, curve=curve)

        payment = send_note(seller, cost_up(ENERGY_WH, PRICE_PER_KWH), curve=curve)
        cost = Cost.of(energy, price, Rounding.UP, payment.opening.blinding)
        prove_cost(cost, CONTEXT, curve=curve)
        prove_handles([energy, cost.cost], auditor, CONTEXT, curve=curve)
        prove_all([energy, offered - energy, *cost.remainder_openings()], (22, 22, 10, 10), curve)

        change = send_note(seller, AMOUNT - payment.opening.value, curve=curve)
        pseudo = payment.opening + change.opening
        sign_spend(spendable, notes, pseudo, CONTEXT, MESSAGE, curve=curve)
        prove_all([payment.opening, change.opening], (32, 32), curve)

    return prove


def prove_all(openings: list[Opening], bits: tuple[int, ...], curve: Curve) -> None:
    statement = RangeStatement(CONTEXT, bits, tuple(commit(item, curve) for item in openings))
    prove_ranges(statement, openings, curve=curve)


def show_auditor(curve: Curve) -> None:
    if curve is REFERENCE:
        return
    start = time.process_time()
    finder = ValueFinder(curve=curve)
    built = time.process_time()
    key = AuditorKey.generate()
    open_handle(key, make_handle(Opening(2**32 - 1, N - 5), key.public), finder, curve=curve)
    opened = time.process_time()
    print(f"  auditor: table {1_000 * (built - start):.0f} ms, ", end="")
    print(f"the slowest value of 32 bits {1_000 * (opened - built):.0f} ms")


if __name__ == "__main__":
    main()
