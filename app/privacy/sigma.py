"""One kind of proof for many purposes: "I know secrets that satisfy these linear equations".

An equation says image = secrets[i] base_i + secrets[j] base_j + ... (Maurer 2009: Schnorr, Okamoto,
Chaum and Pedersen are special cases). A nonce per secret, the same combination of nonces in each
equation, one challenge over all:

    T_k = sum of nonce_j base_kj        e = challenge(statement, T_1, ..., T_m)
    response_j = nonce_j + e secret_j   verifier: T_k = sum of response_j base_kj - e image_k

A proof is e and the responses; the verifier recomputes T_k and compares the challenge. The
statement has to be in the transcript beforehand: whoever calls puts every point in that the
equations have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from app.privacy.curve import Curve, Point, check_scalar
from app.privacy.curve import N as ORDER
from app.privacy.randomness import Entropy, Nonces
from app.privacy.transcript import Transcript, WordReader


@dataclass(frozen=True, slots=True)
class Equation:
    """image = sum of secrets[number] times base, for each (number, base) of `terms`."""

    image: Point
    terms: tuple[tuple[int, Point], ...]


@dataclass(frozen=True, slots=True)
class SigmaProof:
    """challenge and responses, each 0..N-1; on the wire: as many words, in this order."""

    challenge: int
    responses: tuple[int, ...]

    def __post_init__(self) -> None:
        check_scalar("proof.challenge", self.challenge)
        for number, response in enumerate(self.responses):
            check_scalar(f"proof.responses[{number}]", response)

    def words(self) -> list[int]:
        return [self.challenge, *self.responses]

    @classmethod
    def from_words(cls, words: Sequence[int], secrets: int) -> "SigmaProof":
        """The proof of so many secrets; InputError names what is wrong with the words."""
        reader = WordReader("proof", words)
        proof = cls(
            reader.scalar("challenge"),
            tuple(reader.scalar(f"responses[{i}]") for i in range(secrets)),
        )
        reader.end()
        return proof


def prove_equations(
    transcript: Transcript,
    equations: Sequence[Equation],
    secret_values: Sequence[int],
    entropy: Entropy,
    curve: Curve,
) -> SigmaProof:
    """A proof of the secrets, which must satisfy the equations (or it will not verify)."""
    nonces = Nonces("sigma", secret_values, transcript.state, entropy).scalars(len(secret_values))
    transcript.absorb(
        *(
            curve.combine([base for _, base in eq.terms], [nonces[i] for i, _ in eq.terms])
            for eq in equations
        )
    )
    challenge = transcript.challenge()
    responses = (
        (nonce + challenge * secret) % ORDER
        for nonce, secret in zip(nonces, secret_values, strict=True)
    )
    return SigmaProof(challenge, tuple(responses))


def verify_equations(
    transcript: Transcript, equations: Sequence[Equation], proof: SigmaProof, curve: Curve
) -> bool:
    """Whether the prover knew secrets that satisfy the equations."""
    secrets = {number for equation in equations for number, _ in equation.terms}
    if len(proof.responses) != len(secrets):
        return False
    transcript.absorb(
        *(
            curve.combine(
                [*(base for _, base in eq.terms), eq.image],
                [*(proof.responses[i] for i, _ in eq.terms), -proof.challenge],
            )
            for eq in equations
        )
    )
    return transcript.challenge() == proof.challenge
