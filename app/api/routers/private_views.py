"""Answers of members about offers; and on development chains, whose keys are no secrets anyway,
what an owner and the auditors see of private trading.
"""

import asyncio

from fastapi import APIRouter, Depends, Response

from app.api.deps import AddressPath, ServicesDep, no_query, relay_guard
from app.api.routers.private_trading import PrivateDep
from app.api.schemas.private_trading import PointAnswer, word_text
from app.api.schemas.private_views import (
    AuditorKeyAnswer,
    HouseholdViewAnswer,
    PrivateAnswerBody,
    PrivateAnswerJudged,
)
from app.api.services import Services
from app.chain.keys import development_auditor_key
from app.errors import ConflictError, ForbiddenError, InputError, NotFoundError
from app.index import private
from app.ledger.types import Address
from app.privacy.authorship import (
    SECRETS_OF_CLAIM,
    Act,
    Denial,
    verify_claim,
    verify_denial,
)
from app.privacy.curve import Point
from app.privacy.sigma import SigmaProof

router = APIRouter(prefix="/private", tags=["private trading"], dependencies=[Depends(no_query)])


def _require_development(services: ServicesDep) -> None:
    if services.development is None:
        raise ForbiddenError(
            "the gateway has no keys on this chain", hint="whoever has keys keeps them"
        )


def _unseen(response: Response) -> None:
    response.headers["Cache-Control"] = "no-store"


@router.post("/answers", dependencies=[Depends(relay_guard)])
async def judge_private_answer(
    services: ServicesDep, private_ledger: PrivateDep, body: PrivateAnswerBody
) -> PrivateAnswerJudged:
    """Verifies a member's proof that an offer was its own, or that it was not, by the key that it
    had in the offer's round. Nobody is asked who wants to know.
    """
    found = await services.index.read(lambda each: private.offer(each, body.offer_id))
    if found is None:
        raise NotFoundError(f"there is no private offer {body.offer_id}")
    context = private_ledger.rules.image_context(found.window, found.slot)
    key = await _key_in_ring(services, body.account, found.window)
    act = Act(context, found.image_x)
    holds = await asyncio.to_thread(_holds, key, act, body)
    return PrivateAnswerJudged(holds=holds)


@router.get(
    "/households/{account}",
    dependencies=[Depends(_require_development), Depends(_unseen)],
)
async def get_private_household(services: ServicesDep, account: AddressPath) -> HouseholdViewAnswer:
    """What a household of this process's agents sees: its keys, and what opens its own offers and
    trades. On development chains alone.
    """
    if services.street is None:
        raise NotFoundError("no agents run in this process", hint="peerwatt up with a scenario")
    view = services.street.private_view(account)
    if view is None:
        raise NotFoundError(f"no agents trade in private for {account} here")
    return HouseholdViewAnswer.of(view)


@router.get("/auditor", dependencies=[Depends(_require_development), Depends(_unseen)])
async def get_private_auditor(services: ServicesDep) -> AuditorKeyAnswer:
    """The auditors' secret key, which opens every handle. On development chains alone, whose key
    everybody knows.
    """
    key = development_auditor_key()
    current = await services.index.read(private.auditor)
    if current != key.public:
        raise NotFoundError(
            "the gateway does not know the key of this market's auditors",
            hint="the members have set another one",
        )
    return AuditorKeyAnswer(secret=word_text(key.secret), public=PointAnswer.of(key.public))


async def _key_in_ring(services: Services, account: Address, window: int) -> Point:
    index = services.index
    opened = await index.read(lambda each: private.round_of(each, window))
    if opened is None:
        raise NotFoundError(f"no round of window {window}")
    key = await index.read(lambda each: private.key_in_ring(each, account, opened))
    if key is None:
        raise ConflictError(
            f"{account} had no key in the ring of window {window}",
            hint=f"/api/v1/private/rounds/{window} has the keys",
        )
    return key


def _holds(key: Point, act: Act, body: PrivateAnswerBody) -> bool:
    context, words = bytes.fromhex(body.context[2:]), body.words
    try:
        if body.kind == "claim":
            claimed = SigmaProof.from_words(words, SECRETS_OF_CLAIM)
            return verify_claim(key, act, context, claimed)
        return verify_denial(key, act, context, Denial.from_words(words))
    except InputError as error:
        rule = f"{error.field} {error.rule}"
        raise InputError("body.proof", rule, str(error.value)) from error
