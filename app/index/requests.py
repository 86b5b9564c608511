"""Which requests were answered how, so that one that is sent twice is carried out once."""

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, delete, func, insert, select, update

from app.index import schema

KEPT_REQUESTS = 10_000
"""How many answers are kept; the oldest go first."""


class RequestState(StrEnum):
    """How far a request has come; `interrupted`: the gateway ended while it was at work."""

    RUNNING = "running"
    ANSWERED = "answered"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Answer:
    """A response as it was sent. `location` is empty if it had none."""

    status: int
    content_type: str
    location: str
    body: str


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """An earlier request under the same key; `answer` once it is answered."""

    fingerprint: str
    state: RequestState
    answer: Answer | None


def begin(connection: Connection, key: str, fingerprint: str) -> KnownRequest | None:
    """Notes a new request as running; or returns the one that the key stands for already."""
    row = connection.execute(select(schema.requests).where(schema.requests.c.key == key)).first()
    if row is None:
        connection.execute(
            insert(schema.requests),
            {"key": key, "fingerprint": fingerprint, "state": RequestState.RUNNING},
        )
        return None
    answer = None
    if row.state == RequestState.ANSWERED:
        answer = Answer(row.status, row.content_type, row.location, row.body)
    return KnownRequest(row.fingerprint, RequestState(row.state), answer)


def finish(connection: Connection, key: str, answer: Answer) -> None:
    """Keeps the answer to a running request."""
    connection.execute(
        update(schema.requests)
        .where(schema.requests.c.key == key)
        .values(
            state=RequestState.ANSWERED,
            status=answer.status,
            content_type=answer.content_type,
            location=answer.location,
            body=answer.body,
        )
    )
    newest = connection.execute(select(func.max(schema.requests.c.sequence))).scalar_one()
    connection.execute(
        delete(schema.requests).where(
            schema.requests.c.sequence <= newest - KEPT_REQUESTS,
            schema.requests.c.state != RequestState.RUNNING,
        )
    )


def release(connection: Connection, key: str) -> None:
    """Forgets a request that has done nothing, so that it can be sent again."""
    connection.execute(delete(schema.requests).where(schema.requests.c.key == key))


def interrupt(connection: Connection, key: str | None = None) -> None:
    """Notes that the outcome of a running request (or of all) is not known."""
    statement = update(schema.requests).where(schema.requests.c.state == RequestState.RUNNING)
    if key is not None:
        statement = statement.where(schema.requests.c.key == key)
    connection.execute(statement.values(state=RequestState.INTERRUPTED))
