"""Backends, and people who trade in private."""

import pytest

from app.privacy.curve import Curve
from app.privacy.fast_curve import FAST, FastCurve
from app.privacy.reference import REFERENCE
from tests.privacy.cases import members

PLAIN = FastCurve(name="fast on plain integers")


@pytest.fixture(params=[FAST, PLAIN, REFERENCE], ids=lambda curve: curve.name)
def curve(request) -> Curve:
    return request.param


@pytest.fixture
def ring():
    """Four members' keys."""
    return members(4)


@pytest.fixture
def outsider():
    """A key that no ring has."""
    return members(9)[8]
