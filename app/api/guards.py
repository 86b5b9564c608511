"""What a request has to pass before the application sees it, and headers on every response."""

import time
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem

log = structlog.get_logger(__name__)

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_LENGTH_DIGITS = 18
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guards:
    """Checks Host and Origin, so that a page of another site cannot act in a visitor's name through
    its browser: neither by a name of its own for this address, nor by a request across sites.
    Bounds the size of bodies, whether or not they say it.
    """

    def __init__(self, app: ASGIApp, *, allowed_hosts: Iterable[str], max_body: int) -> None:
        self._app = app
        self._allowed_hosts = frozenset(allowed_hosts)
        self._max_body = max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 0

        async def send_guarded(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, self._bounded(receive), send_guarded)
        else:
            await refusal(scope, receive, send_guarded)
        log.info(
            "request",
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=round((time.perf_counter() - began) * 1000, 1),
        )

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host, length = headers.get("host", ""), headers.get("content-length", "0")
        if not self._is_host_allowed(host):
            return problem(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown-host",
                "Unknown host",
                f"this gateway is not called {host[:100]!r}",
                hint="call it by its address, or allow the name in its settings",
            )
        if scope["method"] not in SAFE_METHODS and not _is_same_origin(headers):
            return problem(
                HTTPStatus.FORBIDDEN,
                "foreign-origin",
                "Foreign origin",
                "the page of another site may not write here",
            )
        if not length.isdecimal() or len(length) > _LENGTH_DIGITS or int(length) > self._max_body:
            return problem(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "content-too-large",
                "Content too large",
                self._size_rule(),
            )
        return None

    def _bounded(self, receive: Receive) -> Receive:
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._size_rule())
            return message

        return receive_bounded

    def _size_rule(self) -> str:
        return f"a request has at most {self._max_body} bytes"

    def _is_host_allowed(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return "*" in self._allowed_hosts or name in self._allowed_hosts


def _is_same_origin(headers: Headers) -> bool:
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    try:
        return urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
