"""Nonces stay different even if the machine draws the same bytes again and again."""

from app.privacy.curve import N
from app.privacy.randomness import Nonces, random_scalar, scalar_from


def stuck(size):
    return bytes(size)


def nonce(tag="a", secrets=(1,), message=b"m", entropy=stuck):
    return Nonces(tag, secrets, message, entropy).scalar()


def test_without_randomness_each_statement_still_has_nonces_of_its_own():
    different = [
        nonce(),
        nonce(tag="b"),
        nonce(secrets=(2,)),
        nonce(secrets=(1, 1)),
        nonce(message=b"n"),
    ]
    assert len(set(different)) == len(different)


def test_with_randomness_even_the_same_statement_has():
    assert nonce(entropy=lambda size: b"\1" * size) != nonce()


def test_a_statement_has_as_many_nonces_as_it_needs():
    nonces = Nonces("a", [1], b"m", stuck).scalars(50)

    assert len(set(nonces)) == 50
    assert nonces[0] == nonce()


def test_scalars_are_never_zero():
    assert scalar_from(bytes(64)) == 1
    assert scalar_from((N - 1).to_bytes(64, "big")) == 1
    assert scalar_from((N - 2).to_bytes(64, "big")) == N - 1
    assert 0 < random_scalar() < N
    assert scalar_from((16).to_bytes(64, "big"), 17) == 1
