"""Every error a caller may meet, and the only place where it becomes a status.

PitcallError                 500  INTERNAL
├── InvalidRequest           400  INVALID_ARGUMENT     fix the request, do not retry
│   ├── InvalidEvent         400  INVALID_ARGUMENT     a race event that cannot be true
│   └── NotUnderstood        400  INVALID_ARGUMENT     the planner found no question in the text
├── Unauthenticated          401  UNAUTHENTICATED      no key or a wrong one
├── PermissionDenied         403  PERMISSION_DENIED    this key may not do this
├── NotFound                 404  NOT_FOUND            no such race, car, answer, message or object
├── Conflict                 409  ABORTED              somebody else was faster: read again, decide again
├── StaleFeed                409  FAILED_PRECONDITION  nothing to advise on: race over, car retired
├── RaceNotOver              409  FAILED_PRECONDITION  nothing to grade yet: ask again after the flag
├── Overloaded               429  RESOURCE_EXHAUSTED   retry after a pause
├── Cancelled                499  CANCELLED            the caller took the question back
├── SimulatorUnavailable     503  UNAVAILABLE          retry; another instance may answer
├── ModelServerUnavailable   503  UNAVAILABLE          retry; another instance may answer
├── OrchestratorUnavailable  503  UNAVAILABLE          retry; raised by the client, there is no one to send it
├── StoreUnavailable         503  UNAVAILABLE          retry; the object store did not answer
├── KnowledgeUnavailable     503  UNAVAILABLE          retry; until then answers come without sources
├── LedgerUnavailable        503  UNAVAILABLE          retry; calls are answered, but not stored
├── KnowledgeMismatch        409  FAILED_PRECONDITION  vectors of two embedders: reindex
├── KnowledgeReadOnly        409  FAILED_PRECONDITION  the knowledge store takes no writes: disk or index block
├── ModelRefused             409  FAILED_PRECONDITION  a file of a model is not what it must be; another version serves
├── DeadlineExceeded         504  DEADLINE_EXCEEDED    retry with more time
└── Corrupt                  500  DATA_LOSS            the bytes are not those that were stored

A ``detail`` is one sentence for a person: what is wrong, where, what to do. It never holds
a stack trace or a secret.
"""


class PitcallError(Exception):
    """Base of the tree. ``http`` and ``grpc`` are what the edges send, ``retryable`` says if trying again can help."""

    http: int = 500
    grpc: str = "INTERNAL"  # a name, so that this module does not need grpcio
    retryable: bool = False

    @property
    def detail(self) -> str:
        """The sentence that a person reads."""
        return str(self) or type(self).__name__


class InvalidRequest(PitcallError):
    """The request itself is wrong: the same request will always fail."""

    http, grpc = 400, "INVALID_ARGUMENT"


class InvalidEvent(InvalidRequest):
    """A race event contradicts the race so far (unknown car, lap out of order, time running backwards)."""


class NotUnderstood(InvalidRequest):
    """The planner found no question that it can answer in the text."""


class Unauthenticated(PitcallError):
    """There are no credentials, or they are wrong or out of date."""

    http, grpc = 401, "UNAUTHENTICATED"


class PermissionDenied(PitcallError):
    """The credentials are good, but do not allow this."""

    http, grpc = 403, "PERMISSION_DENIED"


class NotFound(PitcallError):
    """The named race, car, answer, message, object or bucket does not exist."""

    http, grpc = 404, "NOT_FOUND"


class Conflict(PitcallError):
    """The precondition of a write does not hold: the object exists, or was replaced since it was read."""

    http, grpc = 409, "ABORTED"


class StaleFeed(PitcallError):
    """There is nothing to advise on: the race is over, the car is out, or the feed is too old."""

    http, grpc = 409, "FAILED_PRECONDITION"


class RaceNotOver(PitcallError):
    """The race has not been flagged off yet, so its calls cannot be graded."""

    http, grpc = 409, "FAILED_PRECONDITION"


class Overloaded(PitcallError):
    """The queue is full. ``retry_after_s`` is the pause to make before the next try."""

    http, grpc, retryable = 429, "RESOURCE_EXHAUSTED", True

    def __init__(self, detail: str = "", retry_after_s: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Cancelled(PitcallError):
    """The caller took the question back before the answer was ready."""

    http, grpc = 499, "CANCELLED"


class SimulatorUnavailable(PitcallError):
    """No sim worker answered."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class ModelServerUnavailable(PitcallError):
    """The model server did not answer."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class OrchestratorUnavailable(PitcallError):
    """The orchestrator cannot be reached, or the connection to it broke."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class StoreUnavailable(PitcallError):
    """The object store cannot be reached, or failed after all retries."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class KnowledgeUnavailable(PitcallError):
    """The knowledge store or its embedder cannot be reached, or something that it needs is missing."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class LedgerUnavailable(PitcallError):
    """The ledger of calls cannot be read or written: no permission, no space, or another process holds it."""

    http, grpc, retryable = 503, "UNAVAILABLE", True


class KnowledgeMismatch(PitcallError):
    """The vectors of the knowledge store were made by another embedder than the one in use."""

    http, grpc = 409, "FAILED_PRECONDITION"


class KnowledgeReadOnly(PitcallError):
    """The knowledge store can be searched, but takes no writes."""

    http, grpc = 409, "FAILED_PRECONDITION"


class ModelRefused(PitcallError):
    """A model holds what it must not: another format, a shape or a number that is none, other answers than promised."""

    http, grpc = 409, "FAILED_PRECONDITION"


class DeadlineExceeded(PitcallError):
    """The time that the caller gave is over."""

    http, grpc, retryable = 504, "DEADLINE_EXCEEDED", True


class Corrupt(PitcallError):
    """The bytes are not those that were stored: wrong digest, wrong length."""

    http, grpc = 500, "DATA_LOSS"


def error_body(error: PitcallError, trace_id: str = "") -> dict[str, object]:
    """The one JSON shape of an error on every edge: ``{error, detail, retryable, trace_id}``."""
    return {
        "error": type(error).__name__,
        "detail": error.detail,
        "retryable": error.retryable,
        "trace_id": trace_id,
    }


def by_name(name: str) -> type[PitcallError]:
    """The class of an error that crossed a wire by its name; PitcallError for a name from a newer version."""
    pending: list[type[PitcallError]] = [PitcallError]
    while pending:
        kind = pending.pop()
        if kind.__name__ == name:
            return kind
        pending.extend(kind.__subclasses__())
    return PitcallError
