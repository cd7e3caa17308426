"""KnowledgeService over gRPC: it moves bytes; finding is the Librarian's, reading the readers'."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.json_format import MessageToDict

from pitcall.adapters.knowledge import files
from pitcall.errors import InvalidRequest
from pitcall.knowledge.library import Draft
from pitcall.knowledge.messages import Filter
from pitcall.wire.knowledge import passages_to_wire
from pitcall.wire.v1 import knowledge_pb2 as pb
from pitcall.wire.v1 import knowledge_pb2_grpc as rpc
from pitcall_model_server.edge import Context, deadline_s, typed_errors
from pitcall_model_server.librarian import OPEN_S, Librarian

#: Passages for a search that names no number.
HITS: Final = 5
FORMATS: Final = ("markdown", "text", "html", "pdf", "table")


class KnowledgeServicer(rpc.KnowledgeServiceServicer):
    """Answers as soon as the documents are open."""

    def __init__(self, librarian: Librarian) -> None:
        self._librarian = librarian

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:  # noqa: N802  # gRPC's name
        """Passages for a question."""
        async with typed_errors("search", context):
            found = await self._librarian.search(
                request.text,
                _filter(request.where),
                hits=request.hits or HITS,
                per_document=request.per_document or 1,
                budget_s=max(deadline_s(context, OPEN_S), 0.0),
            )
            return passages_to_wire(found)

    async def Ingest(  # noqa: N802  # gRPC's name
        self, request_iterator: AsyncIterator[pb.IngestRequest], context: Context
    ) -> pb.IngestResponse:
        """Documents, one after the other."""
        async with typed_errors("ingest", context):
            done = pb.IngestResponse()
            async for header, content in _documents(request_iterator):
                document, added = await self._librarian.add(await asyncio.to_thread(_draft, header, content))
                done.documents.add(document=document.id, title=document.title, passages=document.passages, added=added)
            return done

    async def Delete(self, request: pb.DeleteRequest, context: Context) -> pb.DeleteResponse:  # noqa: N802  # gRPC's name
        """Remove a document."""
        async with typed_errors("delete", context):
            await self._librarian.remove(request.document)
            return pb.DeleteResponse()


def _filter(where: pb.Where) -> Filter:
    return Filter(
        series=tuple(where.series),
        season=tuple(where.season),
        circuit=tuple(where.circuit),
        kind=tuple(where.kind),
        team=tuple(where.team),
    )


async def _documents(messages: AsyncIterator[pb.IngestRequest]) -> AsyncIterator[tuple[pb.Header, bytes]]:
    """The documents of a stream. Raises InvalidRequest for content without a header, and for too much of it."""
    header: pb.Header | None = None
    content = bytearray()
    async for message in messages:
        part = message.WhichOneof("part")
        if part == "header":
            if header is not None:
                yield header, bytes(content)
            header, content = message.header, bytearray()
        elif part is None:
            raise InvalidRequest("ingest: a message without a part")
        elif header is None:
            raise InvalidRequest("ingest: content before a header; say first where the document comes from")
        else:
            content += message.content
            if len(content) > files.MAX_BYTES:
                raise InvalidRequest(f"{header.source!r:.80} has more than {files.MAX_BYTES // 1_000_000} MB; split it")
    if header is not None:
        yield header, bytes(content)


def _draft(header: pb.Header, content: bytes) -> Draft:
    """A document as it was read. Raises InvalidRequest for one that cannot be."""
    given = {"source": header.source, "title": header.title, **MessageToDict(header.labels)}
    given = {name: str(value) for name, value in given.items()}
    if not header.format:
        return files.draft_of_bytes(content, given)
    if header.format not in FORMATS:
        raise InvalidRequest(f"ingest: format {header.format!r:.40} is not one of {', '.join(FORMATS)}")
    if not header.source:
        raise InvalidRequest("ingest: header.source: say where the document comes from, so that it can be cited")
    return files.draft(content, header.format, header.source, "", given)
