"""A member answers for its offers by the key that it had when they were made, and cannot lie."""

import pytest

from app.privacy.authorship import Act, claim, deny
from app.privacy.keys import MemberKey, Purpose
from app.privacy.lsag import key_image

pytestmark = pytest.mark.asyncio(loop_scope="session")

READER = bytes(31) + b"\x2a"


@pytest.fixture
def seller(members):
    """Who has made the first offer of the round."""
    return members[0]


@pytest.fixture
def newer(seller):
    """The key that the seller takes after the round."""
    return MemberKey.from_secret(seller.wallet.secret(Purpose.MEMBER, 1))


async def judged(market, private, played, member, kind, words):
    offer = (await private.offers(played.window))[0]
    body = {
        "offer_id": offer.id,
        "account": member.account,
        "context": f"0x{READER.hex()}",
        "kind": kind,
        "proof": [f"0x{word:064x}" for word in words],
    }
    return (await market.post("/private/answers", body, 200))["holds"]


def act_of(private, played, seller):
    """As much of it as the chain tells."""
    context = private.rules.image_context(played.window, 0)
    return Act(context, key_image(seller.wallet.member, context)[0])


async def test_a_newer_key_denies_nothing(market, private, played, seller, newer):
    old, act = seller.wallet.member, act_of(private, played, seller)
    await private.publish_key(seller.account, newer)
    try:
        denial = deny(newer, act, READER)
        assert not await judged(market, private, played, seller, "denial", denial.words())
        words = claim(old, act, READER).words()
        assert await judged(market, private, played, seller, "claim", words)
    finally:
        await private.publish_key(seller.account, old)
