"""Snapshots in a repository of the server: a folder of its own or a Cloud Storage bucket."""

import re
import time
from typing import Any, Final

from elasticsearch import BadRequestError, NotFoundError

from pitcall.adapters.knowledge.elastic.client import typed_errors
from pitcall.adapters.knowledge.elastic.indexes import Indexes
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.errors import InvalidRequest, KnowledgeUnavailable, NotFound

#: Every 6 hours, kept for 7 days; a quiet week leaves at least 4, a busy one at most 40.
SCHEDULE: Final = "0 0 */6 * * ?"
RETENTION: Final = {"expire_after": "7d", "min_count": 4, "max_count": 40}

#: Time for a snapshot or a restore of all, s.
_LONG_S: Final = 3_600.0
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


async def take(indexes: Indexes, settings: KnowledgeSettings, name: str) -> str:
    """Copy the index behind the alias. Raises InvalidRequest if the name is taken or cannot be one."""
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            f"{name!r:.80} cannot be the name of a snapshot: up to 64 small letters, digits, '-', '_' and '.'"
        )
    index = await indexes.current()
    await _repository(indexes, settings)
    try:
        with typed_errors(indexes.where):
            answer = await indexes.client.options(request_timeout=_LONG_S).snapshot.create(
                repository=settings.repository,
                snapshot=name,
                indices=index.name,
                include_global_state=False,
                metadata={"asked_at_ms": time.time_ns() // 1_000_000},
                wait_for_completion=True,
            )
    except KnowledgeUnavailable as exc:
        if isinstance(exc.__cause__, BadRequestError) and "already exists" in str(exc.__cause__):
            raise InvalidRequest(f"there is a snapshot {name!r} already; choose another name") from exc
        raise
    state = answer["snapshot"]["state"]
    if state != "SUCCESS":
        raise KnowledgeUnavailable(f"the snapshot {name} ended as {state}; see the log of Elasticsearch")
    return f"{indexes.where}/_snapshot/{settings.repository}/{name}"


async def names(indexes: Indexes, settings: KnowledgeSettings) -> list[str]:
    """Every complete snapshot, oldest first; none if there is no repository yet."""
    return [one["snapshot"] for one in await _complete(indexes, settings)]


async def restore(indexes: Indexes, settings: KnowledgeSettings, name: str) -> None:
    """Restore into the next index and move the alias there.

    Raises:
        NotFound: no such snapshot.
    """
    found = {one["snapshot"]: one for one in await _complete(indexes, settings)}
    if name not in found:
        raise NotFound(f"no snapshot {name!r}; there are: {', '.join(found) or 'none'}")
    ours = [index for index in found[name]["indices"] if index.startswith(f"{indexes.alias}-")]
    if not ours:
        raise NotFound(f"the snapshot {name!r} holds nothing of {indexes.alias}")
    new = await indexes.next_name()
    with typed_errors(indexes.where):
        answer = await indexes.client.options(request_timeout=_LONG_S).snapshot.restore(
            repository=settings.repository,
            snapshot=name,
            indices=max(ours),
            rename_pattern=".+",
            rename_replacement=new,
            include_aliases=False,
            include_global_state=False,
            ignore_index_settings=["index.blocks.write"],
            wait_for_completion=True,
        )
    if answer["snapshot"]["shards"]["failed"]:
        raise KnowledgeUnavailable(f"the snapshot {name} could not be restored whole; see the log of Elasticsearch")
    await indexes.swap(new)
    await indexes.drop_before(new)


async def schedule(indexes: Indexes, settings: KnowledgeSettings) -> str:
    """Let the server take snapshots by itself. Returns the name of the policy."""
    await _repository(indexes, settings)
    with typed_errors(indexes.where):
        await indexes.client.slm.put_lifecycle(
            policy_id=indexes.alias,
            name=f"<{indexes.alias}-{{now/H{{yyyy.MM.dd-HH}}}}>",
            schedule=SCHEDULE,
            repository=settings.repository,
            config={"indices": [f"{indexes.alias}-*"], "include_global_state": False},
            retention=RETENTION,
        )
    return indexes.alias


async def _repository(indexes: Indexes, settings: KnowledgeSettings) -> None:
    """Make the repository, or find it there."""
    kind: dict[str, Any] = (
        {"type": "gcs", "settings": {"bucket": settings.bucket, "base_path": settings.repository}}
        if settings.bucket
        else {"type": "fs", "settings": {"location": settings.repository}}
    )
    with typed_errors(indexes.where):
        await indexes.client.snapshot.create_repository(name=settings.repository, repository=kind)


async def _complete(indexes: Indexes, settings: KnowledgeSettings) -> list[dict[str, Any]]:
    try:
        with typed_errors(indexes.where):
            answer = await indexes.client.snapshot.get(repository=settings.repository, snapshot="*")
    except KnowledgeUnavailable as exc:
        if isinstance(exc.__cause__, NotFoundError):
            return []  # no repository yet
        raise
    found = [one for one in answer["snapshots"] if one["state"] == "SUCCESS"]
    return sorted(found, key=_age)


def _age(snapshot: dict[str, Any]) -> tuple[int, int, str]:
    # The server reads its clock every 200 ms, so two snapshots in a row can bear the same time.
    asked_at = (snapshot.get("metadata") or {}).get("asked_at_ms", 0)
    return snapshot.get("start_time_in_millis", 0), asked_at, snapshot["snapshot"]
