"""ModelService over gRPC: it moves bytes; ``serving`` and ``aliases`` decide."""

from collections.abc import Callable
from time import perf_counter
from typing import Protocol

import numpy as np

from pitcall.errors import InvalidRequest
from pitcall.registry.alias import Alias
from pitcall.wire.v1 import model_pb2 as pb
from pitcall.wire.v1 import model_pb2_grpc as rpc
from pitcall_model_server import race_models
from pitcall_model_server.edge import Context, deadline_s, typed_errors
from pitcall_model_server.race_models import RaceModels, Serving
from pitcall_model_server.serving.network import Rows
from pitcall_model_server.serving.versions import Pointer, Served, Versions


class Aliases(Protocol):
    """Changes what is blessed, in the store and then here."""

    async def bless(self, name: str, version: str, why: str, percent: float) -> Alias:
        """A version answers all races, or ``percent`` of them. 0 and 100 are all."""

    async def roll_back(self, name: str, version: str | None, why: str) -> Alias:
        """A previous version answers again; None: the latest of them."""


class ModelServicer(rpc.ModelServiceServicer):
    """Answers as soon as the callables do; until then they raise ModelServerUnavailable."""

    def __init__(
        self,
        versions: Callable[[], Versions],
        races: Callable[[], RaceModels],
        aliases: Callable[[], Aliases],
        default_deadline_s: float,
    ) -> None:
        self._versions, self._races, self._aliases = versions, races, aliases
        self._default_s = default_deadline_s

    async def Predict(  # noqa: N802  # gRPC's name
        self, request: pb.PredictRequest, context: Context
    ) -> pb.PredictResponse:
        """Rows in, rows out."""
        began = perf_counter()
        async with typed_errors("predict", context):
            found = await self._versions().predict(
                request.name,
                rows_from_wire(request),
                version=request.version,
                race=request.race,
                deadline_s=deadline_s(context, self._default_s),
            )
            return pb.PredictResponse(
                version=found.version,
                rows=len(found.rows),
                values=found.rows.astype("<f4", copy=False).tobytes(),
                queue_ms=found.queue_s * 1e3,
                compute_ms=found.compute_s * 1e3,
                server_ms=(perf_counter() - began) * 1e3,
            )

    async def List(  # noqa: N802  # gRPC's name
        self, request: pb.ListRequest, context: Context
    ) -> pb.ListResponse:
        """What is in memory."""
        async with typed_errors("list", context):
            versions, races = self._versions(), self._races()
            found = [_loaded(one, versions) for one in versions.listed(request.name)]
            if request.name in ("", race_models.NAME):
                found += [_race_model(one, races) for one in races.listed()]
            return pb.ListResponse(models=found)

    async def Load(  # noqa: N802  # gRPC's name
        self, request: pb.LoadRequest, context: Context
    ) -> pb.LoadResponse:
        """Take a version into memory; the blessed one then answers."""
        async with typed_errors("load", context):
            versions = self._versions()
            load = versions.load if request.version else versions.serve
            served = await load(request.name, request.version or None)
            return pb.LoadResponse(model=_loaded(served, versions))

    async def Unload(  # noqa: N802  # gRPC's name
        self, request: pb.UnloadRequest, context: Context
    ) -> pb.UnloadResponse:
        """Give the memory of a version back."""
        async with typed_errors("unload", context):
            await self._versions().unload(request.name, request.version)
            return pb.UnloadResponse()

    async def Bless(  # noqa: N802  # gRPC's name
        self, request: pb.BlessRequest, context: Context
    ) -> pb.AliasResponse:
        """Make a version answer."""
        async with typed_errors("bless", context):
            return _alias(
                await self._aliases().bless(request.name, request.version, request.why, request.percent or 100.0)
            )

    async def Rollback(  # noqa: N802  # gRPC's name
        self, request: pb.RollbackRequest, context: Context
    ) -> pb.AliasResponse:
        """Go back to a version before."""
        async with typed_errors("rollback", context):
            return _alias(await self._aliases().roll_back(request.name, request.version or None, request.why))


def rows_from_wire(request: pb.PredictRequest) -> Rows:
    """[row, input], as it came, without a copy.

    Raises:
        InvalidRequest: the bytes are not so many rows of numbers.
    """
    size, rows = len(request.values), request.rows
    if not rows or not size or size % (4 * rows):
        raise InvalidRequest(f"values: {size} bytes are not {rows} rows of float32")
    return np.frombuffer(request.values, "<f4").reshape(rows, -1)


def _loaded(served: Served, versions: Versions) -> pb.LoadedModel:
    role, percent = _role(served.version, versions.pointer(served.name))
    return pb.LoadedModel(
        name=served.name,
        version=served.version,
        role=role,
        percent=percent,
        inputs=served.network.inputs,
        outputs=served.network.outputs,
        bytes=served.network.nbytes,
        source=served.source,
        degraded=served.degraded,
        answered=served.answered,
        failed=served.failed,
        buckets=served.network.buckets,
    )


def _race_model(serving: Serving, races: RaceModels) -> pb.LoadedModel:
    """It has no rows: inputs, outputs, bytes and buckets are left out."""
    role, percent = _role(serving.version, races.pointer(race_models.NAME))
    return pb.LoadedModel(
        name=race_models.NAME,
        version=serving.version,
        role=role,
        percent=percent,
        source=serving.source,
        degraded=serving.degraded,
        answered=serving.answered,
        failed=serving.failed,
    )


def _role(version: str, pointer: Pointer | None) -> tuple[pb.Role, float]:
    """And the share of the races, percent."""
    if pointer is None or version not in pointer.pinned:
        return pb.ROLE_SPARE, 0.0
    if version == pointer.canary:
        return pb.ROLE_CANARY, pointer.percent
    return (pb.ROLE_BLESSED, 100.0 - pointer.percent) if version == pointer.blessed else (pb.ROLE_PREVIOUS, 0.0)


def _alias(alias: Alias) -> pb.AliasResponse:
    trial = alias.canary
    return pb.AliasResponse(
        blessed=alias.blessed or "",
        previous=alias.previous,
        canary=trial.version if trial else "",
        percent=trial.percent if trial else 0.0,
    )
