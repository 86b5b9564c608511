"""Proofs of linear equations: all of them hold, or none passes."""

import pytest

from app.errors import InputError
from app.privacy.curve import INFINITY, G, N
from app.privacy.fast_curve import FAST
from app.privacy.pedersen import VALUE_BASE
from app.privacy.randomness import system_entropy
from app.privacy.sigma import Equation, SigmaProof, prove_equations, verify_equations
from app.privacy.transcript import Transcript
from tests.privacy.cases import CONTEXT

X, Y = 5, 7
SUM = Equation(FAST.combine([G, VALUE_BASE], [X, Y]), ((0, G), (1, VALUE_BASE)))
SECOND = Equation(FAST.multiply(VALUE_BASE, X), ((0, VALUE_BASE),))
ZERO = Equation(INFINITY, ((0, G), (1, FAST.multiply(G, -X * pow(Y, -1, N)))))


def transcript():
    return Transcript("peerwatt/test/1", CONTEXT)


def prove(equations, secrets=(X, Y)):
    return prove_equations(transcript(), equations, secrets, system_entropy, FAST)


def verify(equations, proof):
    return verify_equations(transcript(), equations, proof, FAST)


@pytest.mark.parametrize("equations", [[SUM], [SUM, SECOND], [SUM, SECOND, ZERO], [ZERO]])
def test_true_equations_verify(equations):
    assert verify(equations, prove(equations))


@pytest.mark.parametrize("secrets", [(X + 1, Y), (X, Y + 1), (0, 0), (Y, X)])
def test_wrong_secrets_do_not(secrets):
    assert not verify([SUM, SECOND], prove([SUM, SECOND], secrets))


def test_an_equation_more_or_less_is_another_statement():
    assert not verify([SUM, SECOND], prove([SUM]))
    assert not verify([SUM], prove([SUM, SECOND]))
    assert not verify([SECOND, SUM], prove([SUM, SECOND]))


def test_a_proof_has_a_response_for_each_secret():
    proof = prove([SUM])

    assert not verify([SUM], SigmaProof(proof.challenge, proof.responses[:1]))
    assert not verify([SUM], SigmaProof(proof.challenge, (*proof.responses, 1)))


def test_the_empty_answer_proves_nothing():
    assert not verify([SUM], SigmaProof(0, (0, 0)))


def test_a_proof_has_one_form_only():
    words = prove([SUM]).words()

    assert SigmaProof.from_words(words, 2).words() == words
    for place, name in enumerate(("challenge", r"responses\[0\]", r"responses\[1\]")):
        with pytest.raises(InputError, match=name):
            SigmaProof.from_words([*words[:place], words[place] + N, *words[place + 1 :]], 2)
    with pytest.raises(InputError, match=r"responses\[1\]: must be given"):
        SigmaProof.from_words(words[:2], 2)
    with pytest.raises(InputError, match="no further words"):
        SigmaProof.from_words([*words, 1], 2)
