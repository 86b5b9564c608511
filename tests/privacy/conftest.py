"""Backends, and people who trade in private."""

import pytest

from app.privacy.curve import Curve
from app.privacy.fast_curve import FAST, FastCurve
from app.privacy.reference import REFERENCE
from tests.privacy.cases import members

PLAIN = FastCurve()
BACKENDS = {curve.name: curve for curve in (PLAIN, FAST, REFERENCE)}  # FAST may be PLAIN


@pytest.fixture(params=BACKENDS.values(), ids=BACKENDS.keys())
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
