"""A second verifier, written after `docs/privacy.md` alone: it shares no line with `app/privacy`.

Its points are py_ecc's, and it reads the vectors as they are committed.
"""

import sys
from math import prod
from typing import Any

from eth_hash.auto import keccak

_limit = sys.getrecursionlimit()
from py_ecc.bn128 import FQ, add, curve_order, field_modulus, is_on_curve, multiply, neg  # noqa: E402

sys.setrecursionlimit(_limit)

N, P = curve_order, field_modulus
Point = Any
INFINITY: Point = None
G = (FQ(1), FQ(2))
SUITE = "BN254G1_XMD:KECCAK-256_SVDW_RO_"


# Words


def word(value: int | str) -> bytes:
    """A number, or a number or 32 bytes in hexadecimal."""
    return (int(value, 16) if isinstance(value, str) else value).to_bytes(32, "big")


def words(point: Point) -> bytes:
    return bytes(64) if point is INFINITY else word(int(point[0])) + word(int(point[1]))


def number(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def text(tag: str) -> bytes:
    return keccak(tag.encode())


def point(pair: list[str]) -> Point:
    x, y = (int(item, 16) for item in pair)
    assert x < P
    assert y < P
    found = (FQ(x), FQ(y))
    assert is_on_curve(found, FQ(3))
    return found


def scalar(raw: str) -> int:
    assert int(raw, 16) < N
    return int(raw, 16)


def total(*terms: tuple[int, Point]) -> Point:
    found = INFINITY
    for factor, base in terms:
        if base is not INFINITY and factor % N:
            found = add(found, multiply(base, factor % N))
    return found


# Generators


def hash_to_curve(message: bytes, tag: str) -> Point:
    suffix = tag.encode() + bytes([len(tag)])
    first = keccak(bytes(136) + message + (96).to_bytes(2, "big") + b"\0" + suffix)
    blocks = [keccak(first + b"\1" + suffix)]
    for i in (2, 3):
        mixed = bytes(a ^ b for a, b in zip(first, blocks[-1], strict=True))
        blocks.append(keccak(mixed + bytes([i]) + suffix))
    uniform = b"".join(blocks)
    return add(_map(number(uniform[:48]) % P), _map(number(uniform[48:]) % P))


def _map(u: int) -> Point:
    """RFC 9380, section 6.6.1, with Z = 1 on y^2 = x^3 + 3, where g(Z) = 4 and 3 Z^2 = 3."""
    root = _root(-12 % P)
    root = root if root % 2 == 0 else P - root
    above, below = (1 + 4 * u * u) % P, (1 - 4 * u * u) % P
    inverse = pow(above * below, P - 2, P)
    step = u * below * inverse * root % P
    half = -pow(2, -1, P)
    third = 1 - 16 * pow(3, -1, P) * (above * above * inverse) ** 2
    for x in (half - step, half + step, third):
        y = _root(x**3 + 3)
        if (y * y - x**3 - 3) % P == 0:
            return FQ(x % P), FQ(y if y % 2 == u % 2 else P - y)
    raise AssertionError


def _root(value: int) -> int:
    return pow(value % P, (P + 1) // 4, P)


def generator(message: bytes) -> Point:
    return hash_to_curve(message, f"peerwatt/generators/1/{SUITE}")


def tag_base(context: str) -> Point:
    return hash_to_curve(word(context), f"peerwatt/tag base/1/{SUITE}")


def key_base(key: Point) -> Point:
    for i in range(256):
        x = number(keccak(text("peerwatt/key base/1") + words(key) + word(i))) % 2**254
        y = _root(x**3 + 3)
        if x < P and (y * y - x**3 - 3) % P == 0:
            return FQ(x), FQ(y if y % 2 == 0 else P - y)
    raise AssertionError


H = generator(b"value base")


# Proofs


def linear(begin: bytes, equations: list, proof: dict) -> bool:
    """Equations are (Y, [(j, B), ...])."""
    e = scalar(proof["challenge"])
    responses = [scalar(raw) for raw in proof["responses"]]
    announced = [
        total(*((responses[j], base) for j, base in terms), (-e, image))
        for image, terms in equations
    ]
    return number(keccak(begin + b"".join(map(words, announced)))) % N == e


def begin(tag: str, context: str, *points: Point) -> bytes:
    return keccak(text(tag) + word(context) + b"".join(map(words, points)))


def possession(vector: dict) -> bool:
    key = point(vector["public"])
    state = begin("peerwatt/possession/1", vector["context"], key)
    return linear(state, [(key, [(0, G)])], vector["proof"])


def cost(vector: dict) -> bool:
    statement = vector["statement"]
    energy, price, paid, rest = (
        point(statement[name]) for name in ("energy", "price", "cost", "remainder")
    )
    sign = 1 if int(statement["rounding"], 16) == 0 else -1
    product = total((1000, paid), (sign, rest))
    state = begin("peerwatt/product/1", vector["context"], energy, price, product)
    equations = [(energy, [(0, H), (1, G)]), (product, [(0, price), (2, G)])]
    return linear(state, equations, vector["proof"])


def handles(vector: dict) -> bool:
    auditor = point(vector["auditor"])
    equations, points = [], [auditor]
    for i, handle in enumerate(vector["handles"]):
        c, d = point(handle["commitment"]), point(handle["point"])
        points += [c, d]
        equations += [(c, [(2 * i, H), (2 * i + 1, G)]), (d, [(2 * i + 1, auditor)])]
    return linear(
        begin("peerwatt/handle/1", vector["context"], *points), equations, vector["proof"]
    )


def claim(vector: dict) -> bool:
    key, base = point(vector["public"]), tag_base(vector["act"]["context"])
    for image in images(vector["act"]):
        state = begin("peerwatt/claim/1", vector["context"], key, base, image)
        if linear(state, [(key, [(0, G)]), (image, [(0, base)])], vector["proof"]):
            return True
    return False


def denial(vector: dict) -> bool:
    key, base = point(vector["public"]), tag_base(vector["act"]["context"])
    even, odd = images(vector["act"])
    first, second = point(vector["denial"]["even"]), point(vector["denial"]["odd"])
    state = begin("peerwatt/denial/1", vector["context"], key, base, even, first, second)
    equations = [
        (first, [(0, base), (1, neg(even))]),
        (INFINITY, [(0, G), (1, neg(key))]),
        (second, [(2, base), (3, neg(odd))]),
        (INFINITY, [(2, G), (3, neg(key))]),
    ]
    return linear(state, equations, vector["denial"]["proof"])


def images(act: dict) -> tuple[Point, Point]:
    """Both points with the x of an act, that with even y first."""
    x = int(act["image_x"], 16)
    y = _root(x**3 + 3)
    even = FQ(x), FQ(y if y % 2 == 0 else P - y)
    return even, neg(even)


def partial_opening(vector: dict) -> bool:
    committee, partial = vector["committee"], vector["partial"]
    auditor, handle, opened = map(point, (committee["public"], vector["handle"], partial["point"]))
    coefficients = [point(pair) for pair in committee["coefficients"]]
    i = int(partial["index"], 16)
    share = total(*((i**j, base) for j, base in enumerate(coefficients)))
    state = keccak(
        text("peerwatt/partial opening/1")
        + word(vector["context"])
        + words(auditor)
        + word(i)
        + b"".join(map(words, (share, handle, opened)))
    )
    equations = [(share, [(0, auditor)]), (opened, [(0, handle)])]
    return coefficients[0] == G and linear(state, equations, partial["proof"])


def member_signature(vector: dict) -> bool:
    ring = [point(pair) for pair in vector["ring"]]
    signature = vector["signature"]
    base, image = tag_base(vector["context"]), point(signature["image"])
    start = keccak(
        text("peerwatt/lsag/1")
        + word(vector["context"])
        + word(vector["message"])
        + keccak(b"".join(map(words, ring)))
        + words(base)
        + words(image)
    )
    c = scalar(signature["challenge"])
    for key, raw in zip(ring, signature["responses"], strict=True):
        s = scalar(raw)
        left, right = total((s, G), (c, key)), total((s, base), (c, image))
        c = number(keccak(start + words(left) + words(right))) % N
    return c == scalar(signature["challenge"])


def spend_signature(vector: dict) -> bool:
    ring = [(point(note["key"]), point(note["commitment"])) for note in vector["ring"]]
    signature = vector["signature"]
    image, other, pseudo = (
        point(signature[name]) for name in ("image", "blinding_image", "pseudo")
    )
    start = keccak(
        text("peerwatt/clsag/1")
        + word(vector["context"])
        + word(vector["message"])
        + keccak(b"".join(words(key) + words(commitment) for key, commitment in ring))
        + b"".join(map(words, (image, other, pseudo)))
    )
    m_p, m_c = (number(keccak(start + word(i))) % N for i in (1, 2))
    w = total((m_p, image), (m_c, other))
    c = scalar(signature["challenge"])
    for (key, commitment), raw in zip(ring, signature["responses"], strict=True):
        s = scalar(raw)
        difference = add(commitment, neg(pseudo))
        left = total((s, G), (c * m_p, key), (c * m_c, difference))
        right = total((s, key_base(key)), (c, w))
        c = number(keccak(start + words(left) + words(right))) % N
    return c == scalar(signature["challenge"])


def ranges(vector: dict) -> bool:
    replayed = [_replay(statement, proof) for statement, proof in vector["batch"]]
    lasts = b"".join(found["last"] for found in replayed)
    rho = number(keccak(text("peerwatt/range batch/1") + bytes(32) + lasts)) % N
    terms = []
    for p, ((statement, proof), found) in enumerate(zip(vector["batch"], replayed, strict=True)):
        for power, equation in ((2 * p, _vectors), (2 * p + 1, _t)):
            weight = pow(rho, power, N)
            terms += [(weight * factor, base) for factor, base in equation(statement, proof, found)]
    return total(*terms) is INFINITY


def _replay(statement: dict, proof: dict) -> dict:
    values = "".join(format(int(raw, 16), "064x") for raw in statement["bits"])
    commitments = b"".join(words(point(pair)) for pair in statement["commitments"])
    state = keccak(
        text("peerwatt/range/1")
        + word(statement["context"])
        + keccak(bytes.fromhex(values))
        + keccak(commitments)
    )
    found: dict[str, Any] = {}

    def absorb(raw: bytes) -> int:
        nonlocal state
        state = keccak(state + raw)
        return number(state) % N

    found["y"] = absorb(words(point(proof["bits"])) + words(point(proof["masks"])))
    found["z"] = absorb(b"")
    found["x"] = absorb(words(point(proof["t1"])) + words(point(proof["t2"])))
    found["w"] = absorb(b"".join(word(scalar(proof[name])) for name in ("tau_x", "mu", "t")))
    found["rounds"] = [
        absorb(words(point(left)) + words(point(right))) for left, right in proof["rounds"]
    ]
    absorb(b"".join(word(scalar(raw)) for raw in (*proof["a"], *proof["b"])))
    return {**found, "last": state}


def _vectors(statement: dict, proof: dict, c: dict) -> list[tuple[int, Point]]:
    a, b = ([scalar(raw) for raw in proof[name]] for name in ("a", "b"))
    places = [
        (j, place) for j, bits in enumerate(statement["bits"]) for place in range(int(bits, 16))
    ]
    length, rounds = len(places), c["rounds"]
    assert length == 4 << len(rounds)

    def f(q: int) -> int:
        chosen = [x for k, x in enumerate(reversed(rounds)) if q >> k & 1]
        return prod(chosen) % N

    inner = sum(left * right for left, right in zip(a, b, strict=True))
    terms = [
        (1, point(proof["bits"])),
        (c["x"], point(proof["masks"])),
        (-scalar(proof["mu"]), G),
        (c["w"] * (scalar(proof["t"]) - inner), generator(b"U" + bytes(4))),
    ]
    for x, (left, right) in zip(rounds, proof["rounds"], strict=True):
        terms += [(x, point(left)), (pow(x, -1, N), point(right))]
    for i, (j, place) in enumerate(places):
        fold = f(i // 4)
        shift = pow(c["z"], 2 + j, N) * 2**place - b[i % 4] * pow(fold, -1, N)
        index = i.to_bytes(4, "big")
        terms += [
            (-(c["z"] + a[i % 4] * fold), generator(b"G" + index)),
            (c["z"] + pow(c["y"], -i, N) * shift, generator(b"H" + index)),
        ]
    return terms


def _t(statement: dict, proof: dict, c: dict) -> list[tuple[int, Point]]:
    widths = [int(raw, 16) for raw in statement["bits"]]
    z, x = c["z"], c["x"]
    delta = (z - z * z) * sum(pow(c["y"], i, N) for i in range(sum(widths)))
    delta -= sum(z ** (3 + j) * (2**bits - 1) for j, bits in enumerate(widths))
    return [
        (delta - scalar(proof["t"]), H),
        (-scalar(proof["tau_x"]), G),
        *((z ** (2 + j), point(pair)) for j, pair in enumerate(statement["commitments"])),
        (x, point(proof["t1"])),
        (x * x, point(proof["t2"])),
    ]


VERIFIERS = {
    "possession": possession,
    "member-signature": member_signature,
    "spend-signature": spend_signature,
    "ranges": ranges,
    "cost-down": cost,
    "cost-up": cost,
    "handles": handles,
    "partial-opening": partial_opening,
    "claim": claim,
    "denial": denial,
}
