"""Every error as a problem document (RFC 9457).

`type` is a URN of the error's name; members beyond the standard ones: `hint`; for invalid input
`errors`, each with `field`, `rule` and `value`; for a refusing contract `error` (its custom error),
`arguments` and `contract`.
"""

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.errors import (
    ContractRevertedError,
    InputError,
    NodeUnavailableError,
    NonceError,
    PeerwattError,
    ResponseLostError,
    TransactionLostError,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
OUTCOME_HEADER = "Peerwatt-Outcome"
"""Says `unknown` on an error of which nobody knows yet whether the write was done."""

# What a contract says -> what it means in HTTP, where that is not a conflict with the present state
CONTRACT_STATUSES: Mapping[str, HTTPStatus] = {
    "AccessManagedUnauthorized": HTTPStatus.FORBIDDEN,
    "AccessManagerUnauthorizedAccount": HTTPStatus.FORBIDDEN,
    "AccessManagerUnauthorizedCall": HTTPStatus.FORBIDDEN,
    "GovernorInvalidSignature": HTTPStatus.FORBIDDEN,
    "GovernorOnlyExecutor": HTTPStatus.FORBIDDEN,
    "GovernorRestrictedProposer": HTTPStatus.FORBIDDEN,
    "NotMember": HTTPStatus.FORBIDDEN,
    "NotOwner": HTTPStatus.FORBIDDEN,
    "NotSeller": HTTPStatus.FORBIDDEN,
    "SignatureInvalid": HTTPStatus.FORBIDDEN,
    "AgreementUnknown": HTTPStatus.NOT_FOUND,
    "GovernorNonexistentProposal": HTTPStatus.NOT_FOUND,
    "MeterUnknown": HTTPStatus.NOT_FOUND,
    "OfferUnknown": HTTPStatus.NOT_FOUND,
    "OrderUnknown": HTTPStatus.NOT_FOUND,
    "AmountTooLarge": HTTPStatus.UNPROCESSABLE_ENTITY,
    "AmountZero": HTTPStatus.UNPROCESSABLE_ENTITY,
    "BatchTooLarge": HTTPStatus.UNPROCESSABLE_ENTITY,
    "CertificateInPast": HTTPStatus.UNPROCESSABLE_ENTITY,
    "EnergyTooLarge": HTTPStatus.UNPROCESSABLE_ENTITY,
    "EnergyZero": HTTPStatus.UNPROCESSABLE_ENTITY,
    "ExpiryTooEarly": HTTPStatus.UNPROCESSABLE_ENTITY,
    "ExpiryTooLate": HTTPStatus.UNPROCESSABLE_ENTITY,
    "InfoTooLong": HTTPStatus.UNPROCESSABLE_ENTITY,
    "LossesAboveImport": HTTPStatus.UNPROCESSABLE_ENTITY,
    "LossesNotStorage": HTTPStatus.UNPROCESSABLE_ENTITY,
    "MeterMismatch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "PriceOutOfRange": HTTPStatus.UNPROCESSABLE_ENTITY,
    "ReadingTooLarge": HTTPStatus.UNPROCESSABLE_ENTITY,
    "ReferenceMissing": HTTPStatus.UNPROCESSABLE_ENTITY,
    "SelfTrade": HTTPStatus.UNPROCESSABLE_ENTITY,
    "SellerMismatch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "WindowMismatch": HTTPStatus.UNPROCESSABLE_ENTITY,
    "WindowTooFar": HTTPStatus.UNPROCESSABLE_ENTITY,
}

# What a contract says -> what to do next
CONTRACT_HINTS: Mapping[str, str] = {
    "AccessManagedUnauthorized": "/api/v1/consortium says who holds which role",
    "AlreadyConfirmed": "one confirmation an account counts: another one has to confirm",
    "AuditTime": "a reading is doubted from its window's start until six hours after its end",
    "BankReferenceUsed": "this transfer of the bank has counted: name the reference of another",
    "DailyLimitExceeded": "confirm it tomorrow (UTC), or let the members raise the limit",
    "GovernorAlreadyCastVote": "a member votes once",
    "GovernorInvalidSignature": "ask /api/v1/typed-data/vote for what to sign, and sign that",
    "GovernorRestrictedProposer": "the description reserves the proposal for another proposer",
    "GovernorUnableToCancel": "only its proposer takes a proposal back, before its vote begins",
    "GovernorUnexpectedProposalState": (
        "look at the proposal's `state`: `active` is voted on, `succeeded` is queued, `queued` is "
        "executed from `eta` on"
    ),
    "GovernorUnmetDelay": "wait until `eta`; `Prefer: wait=<seconds>` waits for you",
    "NotMember": "the members admit a household by vote: one of them has to propose it",
    "NotQueued": "queue the proposal first",
    "PayoutTimeOver": "return the withdrawal, and ask for the money again",
    "PayoutTimeRunning": "the treasurers still have time to pay; come back at `end`",
    "ReadingDoubted": "an auditor has held this reading already: confirm or correct it",
    "ReadingIsHeld": "wait until the auditors release the reading, at the latest at `until`",
    "ReadingNotHeld": "an auditor has to doubt the reading first, at /api/v1/audits",
    "ReadingUnknown": "there is no reading to correct: confirm that there is none",
    "ReadingUsed": "some of it is settled already, which stands",
    "ReserveExceeded": "an auditor has to attest what the bank holds, at /api/v1/treasury/reserve",
    "WithdrawalNotRequested": "it was paid or returned already, as its `state` says",
}

_SHOWN_LENGTH = 200
_SHOWN_ERRORS = 20


def install(app: FastAPI) -> None:
    """Makes every error of `app` a problem document."""
    app.add_exception_handler(PeerwattError, _peerwatt_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unforeseen_error)


def problem(
    status: int,
    slug: str,
    title: str,
    detail: str,
    *,
    instance: str = "",
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Response:
    """A problem document as a response. Members that are empty are left out."""
    content = {
        "type": f"urn:peerwatt:problem:{slug}",
        "title": title,
        "status": int(status),
        "detail": detail,
        "instance": instance,
        **members,
    }
    body = {name: value for name, value in content.items() if value not in ("", None)}
    return Response(
        json.dumps(body, allow_nan=False),
        status_code=status,
        media_type=MEDIA_TYPE,
        headers=None if headers is None else dict(headers),
    )


def from_error(error: PeerwattError, instance: str) -> Response:
    """The problem document of an error of ours."""
    members: dict[str, object] = {"hint": error.hint}
    status = error.status
    if isinstance(error, InputError):
        members["errors"] = [
            {"field": error.field, "rule": error.rule, "value": presentable(error.value)}
        ]
    if isinstance(error, ContractRevertedError):
        status = CONTRACT_STATUSES.get(error.error, HTTPStatus(error.status))
        members |= {
            "hint": error.hint or CONTRACT_HINTS.get(error.error, ""),
            "error": error.error,
            "arguments": {name: presentable(value) for name, value in error.arguments.items()},
            "contract": error.contract,
            "transaction_hash": error.transaction_hash,
        }
    headers = {}
    if isinstance(error, ResponseLostError | TransactionLostError | NonceError):
        status = HTTPStatus.GATEWAY_TIMEOUT
        headers[OUTCOME_HEADER] = "unknown"
    elif status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        headers["Retry-After"] = str(RETRY_SECONDS)
    return problem(
        status,
        _slug(type(error).__name__),
        error.title,
        error.message,
        instance=instance,
        headers=headers,
        **members,
    )


def presentable(value: object) -> object:
    """A foreign value as short JSON: bytes as hex, large numbers and all else as text."""
    if isinstance(value, bytes):
        value = "0x" + value.hex()
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= 2**53:
        return value
    text = value if isinstance(value, str) else _text(value)
    return text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 1] + "\u2026"


def _text(value: object) -> str:
    if isinstance(value, int) and value.bit_length() > 4 * _SHOWN_LENGTH:
        return f"a number of {value.bit_length()} bits"
    if isinstance(value, Mapping):
        return f"an object of {len(value)} members"
    if isinstance(value, Sequence):
        return f"a list of {len(value)}"
    return str(value)


def _slug(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name.removesuffix("Error")).lower()


async def _peerwatt_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, PeerwattError)  # noqa: S101  what it is installed for
    if error.status >= 500 and not isinstance(error, NodeUnavailableError):
        log.warning("request.failed", path=request.url.path, error=str(error))
    return from_error(error, request.url.path)


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  what it is installed for
    errors = [_broken_rule(each) for each in error.errors()[:_SHOWN_ERRORS]]
    first = errors[0]
    return problem(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "input",
        InputError.title,
        f"{first['field']}: {first['rule']}",
        instance=request.url.path,
        errors=errors,
    )


def _broken_rule(found: Mapping[str, Any]) -> dict[str, object]:
    if found["type"] == "json_invalid":
        where = found["loc"][-1]
        return {"field": "body", "rule": f"is JSON: {found['ctx']['error']} at character {where}"}
    return {
        "field": ".".join(map(str, found["loc"])),
        "rule": found["msg"],
        "value": presentable(found.get("input")),
    }


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  what it is installed for
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else f"{request.method} {request.url.path}"
    return problem(
        error.status_code,
        phrase.lower().replace(" ", "-"),
        phrase,
        detail,
        instance=request.url.path,
        headers=error.headers,
    )


async def _unforeseen_error(request: Request, error: Exception) -> Response:
    log.error("request.broke", path=request.url.path, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "internal",
        "Internal error",
        "The gateway failed; its log says how",
        instance=request.url.path,
    )
