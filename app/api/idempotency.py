"""Writes that are sent twice under one Idempotency-Key are carried out once."""

import hashlib
import re
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.guards import SAFE_METHODS
from app.api.problems import OUTCOME_HEADER, from_error, problem
from app.errors import DatabaseUnavailableError, InputError
from app.index import requests
from app.index.database import Database
from app.index.requests import Answer, KnownRequest, RequestState

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

# Nothing was done, and the same request can succeed later: the key is free again.
_RELEASED = frozenset({429, 503})


class Idempotency:
    """Keeps the answers to writes under the keys that their senders chose.

    The same request under the same key gets the stored answer again (`Idempotent-Replayed: true`);
    another request under it 422; one whose first sending is still at work, or of which nobody knows
    what became of it, 409.
    """

    def __init__(self, app: ASGIApp, *, database: Database) -> None:
        self._app = app
        self._database = database

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if key is None or scope["method"] in SAFE_METHODS:
            await self._app(scope, receive, send)
            return
        try:
            response = await self._answer(key, scope, receive)
        except ClientDisconnect:
            return
        except HTTPException as error:
            response = problem(
                error.status_code, "content-too-large", "Content too large", error.detail
            )
        except DatabaseUnavailableError as error:
            response = from_error(error, scope["path"])
        await response(scope, receive, send)

    async def _answer(self, key: str, scope: Scope, receive: Receive) -> Response:
        path = scope["path"]
        if not _KEY.fullmatch(key):
            return problem(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                "input",
                InputError.title,
                f"header.{HEADER}: is 1 to 255 printable ASCII characters without spaces",
                instance=path,
            )
        body = await Request(scope, receive).body()
        fingerprint = _fingerprint(scope, body)
        known = await self._database.write(lambda each: requests.begin(each, key, fingerprint))
        if known is not None:
            return _known_answer(known, fingerprint, path)
        try:
            response = await self._carry_out(scope, body)
        except BaseException:
            await self._database.write(lambda each: requests.interrupt(each, key))
            raise
        await self._keep(key, response)
        return response

    async def _carry_out(self, scope: Scope, body: bytes) -> Response:
        """What the application answers to a body that was read already."""
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        response = Response()
        answered = bytearray()

        async def receive() -> Message:
            return unread.pop() if unread else {"type": "http.disconnect"}

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                response.status_code = message["status"]
                response.raw_headers = list(message["headers"])
            else:
                answered.extend(message.get("body", b""))

        await self._app(scope, receive, keep)
        response.body = bytes(answered)
        return response

    async def _keep(self, key: str, response: Response) -> None:
        database = self._database
        if OUTCOME_HEADER in response.headers:
            await database.write(lambda each: requests.interrupt(each, key))
        elif response.status_code in _RELEASED:
            await database.write(lambda each: requests.release(each, key))
        else:
            answer = Answer(
                response.status_code,
                response.headers.get("content-type", ""),
                response.headers.get("location", ""),
                bytes(response.body).decode(),
            )
            await database.write(lambda each: requests.finish(each, key, answer))


def _fingerprint(scope: Scope, body: bytes) -> str:
    line = f"{scope['method']} {scope['path']}?{scope['query_string'].decode('latin-1')}\n"
    return hashlib.sha256(line.encode() + body).hexdigest()


def _known_answer(known: KnownRequest, fingerprint: str, path: str) -> Response:
    if known.fingerprint != fingerprint:
        return problem(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency key reused",
            "another request was sent under this key",
            instance=path,
            hint="choose a new key for every new request",
        )
    if known.answer is not None:
        headers = {"Idempotent-Replayed": "true"}
        if known.answer.location:
            headers["Location"] = known.answer.location
        return Response(
            known.answer.body,
            known.answer.status,
            headers,
            media_type=known.answer.content_type,
        )
    if known.state is RequestState.RUNNING:
        return problem(
            HTTPStatus.CONFLICT,
            "request-running",
            "Request still running",
            "the request under this key is at work",
            instance=path,
            headers={"Retry-After": "1"},
            hint="send it again in a moment to get its answer",
        )
    return problem(
        HTTPStatus.CONFLICT,
        "request-interrupted",
        "Outcome unknown",
        "nobody knows what became of the request under this key",
        instance=path,
        hint="look at what it was to do, then send it under a new key if that is not done",
    )
