"""Everything that Peerwatt raises on purpose, with the HTTP status that the gateway answers.

PeerwattError
├── InputError                422  a value breaks a rule; names field, rule and value
│   ├── ProfileError               a load profile file
│   └── ScenarioError              a scenario file
├── NotFoundError             404
├── ConflictError             409  the request contradicts the present state
├── ForbiddenError            403  a signature or key does not allow this
├── TooManyRequestsError      429  a limit on the rate of requests
├── UnavailableError          503  a part of the service cannot answer now
│   └── DatabaseUnavailableError   no answer from the database
├── ConfigurationError        500  settings or build artifacts are missing or wrong
└── ChainError                502
    ├── NodeUnavailableError  503  no answer from the node
    │   └── ResponseLostError      it may have done what was asked, all the same
    ├── TransactionLostError  504  sent, but never seen in a block
    ├── NonceError            503  the node and the sender disagree about a nonce
    ├── OutOfFundsError       503  the sender cannot pay for gas
    └── ContractRevertedError 409  a contract refused; carries its custom error
"""

from collections.abc import Mapping


class PeerwattError(Exception):
    """Base of all errors; `hint` says what to do next."""

    status = 500
    title = "Internal error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class InputError(PeerwattError):
    """A value breaks a rule."""

    status = 422
    title = "Invalid input"

    def __init__(self, field: str, rule: str, value: object, *, hint: str = "") -> None:
        super().__init__(f"{field}: {rule}, got {value!r}", hint=hint)
        self.field = field
        self.rule = rule
        self.value = value


class ProfileError(InputError):
    """A load profile file breaks a rule; `field` is `file:row:column`."""

    title = "Invalid profile"


class ScenarioError(InputError):
    """A scenario file breaks a rule; `field` is the path within the file."""

    title = "Invalid scenario"


class NotFoundError(PeerwattError):
    """There is no such thing."""

    status = 404
    title = "Not found"


class ConflictError(PeerwattError):
    """The request contradicts the present state."""

    status = 409
    title = "Conflict"


class ForbiddenError(PeerwattError):
    """A signature or key does not allow this."""

    status = 403
    title = "Forbidden"


class TooManyRequestsError(PeerwattError):
    """A limit on the rate of requests."""

    status = 429
    title = "Too many requests"


class UnavailableError(PeerwattError):
    """A part of the service cannot answer now."""

    status = 503
    title = "Unavailable"


class DatabaseUnavailableError(UnavailableError):
    """No answer from the database."""

    title = "Database unavailable"


class ConfigurationError(PeerwattError):
    """Settings or build artifacts are missing or wrong."""

    title = "Configuration error"


class ChainError(PeerwattError):
    """The chain could not do what was asked."""

    status = 502
    title = "Chain error"


class NodeUnavailableError(ChainError):
    """No answer from the node."""

    status = 503
    title = "Node unavailable"


class ResponseLostError(NodeUnavailableError):
    """A request went out and no answer came back: the node may have done what was asked."""


class TransactionLostError(ChainError):
    """A transaction was sent but never seen in a block: look its hash up before another try."""

    status = 504
    title = "Transaction lost"

    def __init__(self, message: str, *, transaction_hash: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.transaction_hash = transaction_hash


class NonceError(ChainError):
    """The node and the sender disagree about a nonce."""

    status = 503
    title = "Nonce conflict"


class OutOfFundsError(ChainError):
    """The sender cannot pay for gas."""

    status = 503
    title = "Out of funds for gas"


class ContractRevertedError(ChainError):
    """A contract refused; `error` is its custom error and `arguments` what it said."""

    status = 409
    title = "Refused by the contract"

    def __init__(
        self,
        error: str,
        arguments: Mapping[str, object],
        *,
        contract: str = "",
        transaction_hash: str = "",
        hint: str = "",
    ) -> None:
        shown = ", ".join(f"{name}={value}" for name, value in arguments.items())
        super().__init__(f"{error}({shown})", hint=hint)
        self.error = error
        self.arguments = dict(arguments)
        self.contract = contract
        self.transaction_hash = transaction_hash
