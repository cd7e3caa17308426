"""The connection to Elasticsearch, and what its errors mean."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from elasticsearch import (
    ApiError,
    AsyncElasticsearch,
    AuthenticationException,
    AuthorizationException,
    ConnectionTimeout,
    NotFoundError,
    TransportError,
)

from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import (
    DeadlineExceeded,
    InvalidRequest,
    KnowledgeReadOnly,
    KnowledgeUnavailable,
    Overloaded,
    PermissionDenied,
    PitcallError,
    Unauthenticated,
)


class IndexGone(KnowledgeUnavailable):
    """The index is not there (any more): the alias may have moved meanwhile."""


class ShardsClosed(KnowledgeUnavailable):
    """The index has no shard that answers: it is being opened, or somebody removes it."""


def connect(settings: KnowledgeSettings) -> tuple[AsyncElasticsearch, str]:
    """A client, which connects with the first request, and the address without user and password.

    Raises:
        InvalidRequest: the address is none.
    """
    url = settings.url.get_secret_value()
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest("ELASTICSEARCH_URL: an address such as https://user:password@host:9243 is needed")
    port = parts.port or (443 if parts.scheme == "https" else 9200)
    shown = urlunsplit((parts.scheme, f"{parts.hostname}:{port}", parts.path, "", ""))
    client = AsyncElasticsearch(
        shown,
        basic_auth=(parts.username, parts.password or "") if parts.username else None,
        api_key=settings.api_key.get_secret_value() or None,
        request_timeout=settings.timeout_s,
        max_retries=2,
        retry_on_timeout=False,
    )
    return client, shown


@contextmanager
def typed_errors(where: str) -> Iterator[None]:
    """Turn the client's errors into ours; ``where`` is the address without secrets.

    Raises:
        PitcallError: see ``of_status``.
        DeadlineExceeded: no answer in time.
        KnowledgeUnavailable: no connection.
    """
    try:
        yield
    except ConnectionTimeout as exc:
        raise DeadlineExceeded(f"Elasticsearch at {where} did not answer in time") from exc
    except AuthenticationException as exc:
        raise Unauthenticated(f"Elasticsearch at {where} does not know this user, password or key") from exc
    except (AuthorizationException, NotFoundError, ApiError) as exc:
        raise of_status(exc.status_code, exc.body if isinstance(exc.body, Mapping) else {}, where) from exc
    except TransportError as exc:
        raise KnowledgeUnavailable(f"no connection to Elasticsearch at {where} ({type(exc).__name__})") from exc


def of_status(  # noqa: PLR0911  # one return per kind of error
    status: int, body: Mapping[str, Any], where: str
) -> PitcallError:
    """The error of an answer, or of one item of a bulk or multi search."""
    error = body.get("error", body)
    error = error if isinstance(error, Mapping) else {"reason": str(error)}
    kind, reason = str(error.get("type", "")), str(error.get("reason", ""))[:300]
    if kind == "cluster_block_exception":
        return KnowledgeReadOnly(
            f"Elasticsearch at {where} takes no writes: {reason}; a reindex may be under way or broken off"
        )
    if status == 403:
        return PermissionDenied(f"Elasticsearch at {where}: this user may not do that: {reason}")
    if status == 429:
        return Overloaded(f"Elasticsearch at {where} is overloaded; try again")
    if kind == "index_not_found_exception":
        return IndexGone(f"there is no knowledge index at {where}; make one: pitcall knowledge add PATH")
    if kind == "no_shard_available_action_exception" or (status == 503 and kind == "search_phase_execution_exception"):
        return ShardsClosed(f"Elasticsearch at {where}: no shard of the knowledge index answers; try again")
    if "analyzer" in reason and status == 400:
        return InvalidRequest(f"Elasticsearch at {where}: {reason}; set PITCALL_KNOWLEDGE_ANALYZER=standard")
    return KnowledgeUnavailable(f"Elasticsearch at {where}: {status} {kind}: {reason}")
