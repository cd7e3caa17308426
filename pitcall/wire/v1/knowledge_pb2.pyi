from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Labels(_message.Message):
    __slots__ = ("series", "season", "circuit", "kind", "team")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SEASON_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    series: str
    season: int
    circuit: str
    kind: str
    team: str
    def __init__(self, series: _Optional[str] = ..., season: _Optional[int] = ..., circuit: _Optional[str] = ..., kind: _Optional[str] = ..., team: _Optional[str] = ...) -> None: ...

class Where(_message.Message):
    __slots__ = ("series", "season", "circuit", "kind", "team")
    SERIES_FIELD_NUMBER: _ClassVar[int]
    SEASON_FIELD_NUMBER: _ClassVar[int]
    CIRCUIT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TEAM_FIELD_NUMBER: _ClassVar[int]
    series: _containers.RepeatedScalarFieldContainer[str]
    season: _containers.RepeatedScalarFieldContainer[int]
    circuit: _containers.RepeatedScalarFieldContainer[str]
    kind: _containers.RepeatedScalarFieldContainer[str]
    team: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, series: _Optional[_Iterable[str]] = ..., season: _Optional[_Iterable[int]] = ..., circuit: _Optional[_Iterable[str]] = ..., kind: _Optional[_Iterable[str]] = ..., team: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("text", "where", "hits", "per_document")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    WHERE_FIELD_NUMBER: _ClassVar[int]
    HITS_FIELD_NUMBER: _ClassVar[int]
    PER_DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    text: str
    where: Where
    hits: int
    per_document: int
    def __init__(self, text: _Optional[str] = ..., where: _Optional[_Union[Where, _Mapping]] = ..., hits: _Optional[int] = ..., per_document: _Optional[int] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("sources", "embedder", "missed", "took_ms")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    EMBEDDER_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    TOOK_MS_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    embedder: str
    missed: _containers.RepeatedScalarFieldContainer[str]
    took_ms: float
    def __init__(self, sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., embedder: _Optional[str] = ..., missed: _Optional[_Iterable[str]] = ..., took_ms: _Optional[float] = ...) -> None: ...

class Source(_message.Message):
    __slots__ = ("document", "title", "heading", "location", "link", "text", "mark_start", "mark_end", "covered", "quote", "topic", "kind")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    HEADING_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    MARK_START_FIELD_NUMBER: _ClassVar[int]
    MARK_END_FIELD_NUMBER: _ClassVar[int]
    COVERED_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    document: str
    title: str
    heading: str
    location: str
    link: str
    text: str
    mark_start: _containers.RepeatedScalarFieldContainer[int]
    mark_end: _containers.RepeatedScalarFieldContainer[int]
    covered: float
    quote: str
    topic: str
    kind: str
    def __init__(self, document: _Optional[str] = ..., title: _Optional[str] = ..., heading: _Optional[str] = ..., location: _Optional[str] = ..., link: _Optional[str] = ..., text: _Optional[str] = ..., mark_start: _Optional[_Iterable[int]] = ..., mark_end: _Optional[_Iterable[int]] = ..., covered: _Optional[float] = ..., quote: _Optional[str] = ..., topic: _Optional[str] = ..., kind: _Optional[str] = ...) -> None: ...

class Grounding(_message.Message):
    __slots__ = ("sources", "embedder", "missing")
    SOURCES_FIELD_NUMBER: _ClassVar[int]
    EMBEDDER_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    sources: _containers.RepeatedCompositeFieldContainer[Source]
    embedder: str
    missing: str
    def __init__(self, sources: _Optional[_Iterable[_Union[Source, _Mapping]]] = ..., embedder: _Optional[str] = ..., missing: _Optional[str] = ...) -> None: ...

class IngestRequest(_message.Message):
    __slots__ = ("header", "content")
    HEADER_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    header: Header
    content: bytes
    def __init__(self, header: _Optional[_Union[Header, _Mapping]] = ..., content: _Optional[bytes] = ...) -> None: ...

class Header(_message.Message):
    __slots__ = ("source", "title", "labels", "format")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    source: str
    title: str
    labels: Labels
    format: str
    def __init__(self, source: _Optional[str] = ..., title: _Optional[str] = ..., labels: _Optional[_Union[Labels, _Mapping]] = ..., format: _Optional[str] = ...) -> None: ...

class IngestResponse(_message.Message):
    __slots__ = ("documents",)
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[Ingested]
    def __init__(self, documents: _Optional[_Iterable[_Union[Ingested, _Mapping]]] = ...) -> None: ...

class Ingested(_message.Message):
    __slots__ = ("document", "title", "passages", "added")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    PASSAGES_FIELD_NUMBER: _ClassVar[int]
    ADDED_FIELD_NUMBER: _ClassVar[int]
    document: str
    title: str
    passages: int
    added: bool
    def __init__(self, document: _Optional[str] = ..., title: _Optional[str] = ..., passages: _Optional[int] = ..., added: _Optional[bool] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("document",)
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    document: str
    def __init__(self, document: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
