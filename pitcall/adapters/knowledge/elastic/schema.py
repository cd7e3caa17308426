"""What stands in an Elasticsearch index of ours, and under which names.

Elasticsearch has no transactions, so a document becomes visible by one write: its *record*, which names the version of
its passages. Passages of any other version are left out of every answer, be they of an ingest that died or of a version
that was replaced a moment ago. All ids follow from the content, so doing it again repairs what was left half done.

Behind the alias stands exactly one index, numbered; a reindex or a restore fills the next one and moves the alias.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from pitcall.knowledge.messages import Document, Entry, Filter, Labels, Passage, Vectors
from pitcall.knowledge.words import stems

#: The analyzer that every server has, and that knows no endings: with it the stems are ours.
STANDARD: Final = "standard"
#: HNSW of 8-bit numbers, stated because the default changes with the version of the server (bbq_hnsw from 9.1 on).
VECTOR_INDEX: Final = {"type": "int8_hnsw", "m": 16, "ef_construction": 100}
#: Candidates that a shard looks at for each one that is wanted: recall against time.
WIDER: Final = 2
#: Nearest by 8 bits that are ranked again by all 32, for each one that is wanted.
OVERSAMPLE: Final = 2.0
#: Above what Elasticsearch's own and Fleet's templates have.
PRIORITY: Final = 200


@dataclass(frozen=True, slots=True)
class Index:
    """One index behind the alias."""

    name: str
    embedder: str
    dims: int
    analyzer: str


@dataclass(frozen=True, slots=True)
class Record:
    """What makes a version of a document visible."""

    document: Document
    version: str

    def passage_ids(self) -> list[str]:
        """The ids of its passages."""
        return [passage_id(self.document.id, self.version, number) for number in range(self.document.passages)]


def version_of(entry: Entry) -> str:
    """The same content, the same version, whenever it is added."""
    told = [asdict(replace(entry.document, added="")), *map(asdict, entry.passages)]
    seen = hashlib.sha256(json.dumps(told, sort_keys=True).encode())
    seen.update(np.ascontiguousarray(entry.vectors, "<f4").tobytes())
    return seen.hexdigest()[:12]


def record_id(document: str) -> str:
    """Cannot be that of a passage: a passage's has an @ after a document's, and no document's begins with it."""
    return f"@{document}"


def passage_id(document: str, version: str, number: int) -> str:
    """In reading order within a version."""
    return f"{document}@{version}@{number:05}"


def record_source(record: Record) -> dict[str, Any]:
    """As it is stored."""
    document = record.document
    labels = {name: value for name, value in asdict(document.labels).items() if value is not None}
    return {"part": "record", "document": document.id, "version": record.version, "record": asdict(document), **labels}


def as_record(source: Mapping[str, Any]) -> Record:
    """As it was stored."""
    fields = source["record"]
    return Record(Document(**{**fields, "labels": Labels(**fields["labels"])}), source["version"])


def passage_actions(index: Index, record: Record, entry: Entry) -> Iterator[dict[str, Any]]:
    """The passages of a version, as a bulk writes them. The record is what makes them visible."""
    document = record.document
    labels = {name: value for name, value in asdict(document.labels).items() if value is not None}
    common = {"part": "passage", "document": document.id, "version": record.version, **labels}
    for name, passage, vector in zip(record.passage_ids(), entry.passages, numbers(entry.vectors), strict=True):
        words = searched(index.analyzer, document.title, passage.heading, passage.text)
        source = {**common, **asdict(passage), "words": words, "vector": vector}
        yield {"_index": index.name, "_id": name, "_source": source}


def as_passage(source: Mapping[str, Any]) -> Passage:
    """As it was stored."""
    return Passage(source["number"], source["text"], source["heading"], source["location"], source["anchor"])


def numbers(vectors: Vectors) -> list[list[float]]:
    """As JSON: seven digits are all that float32 has."""
    rows: list[list[float]] = np.round(vectors.astype(np.float64), 7).tolist()
    return rows


def conditions(where: Filter) -> list[dict[str, Any]]:
    """The filter in Elasticsearch's language."""
    return [{"terms": {name: list(values)}} for name, values in where.wanted().items()]


def searched(analyzer: str, *texts: str) -> str:
    """What stands in the field that is searched by words, and what is looked for in it."""
    every = "\n".join(texts)
    return " ".join(stems(every)) if analyzer == STANDARD else every


def mappings(analyzer: str) -> dict[str, Any]:
    """Strict: a field that nobody planned is an error, not a guess of its type."""
    keyword = {"type": "keyword"}
    shown = {"type": "keyword", "index": False, "doc_values": False}
    return {
        "dynamic": "strict",
        "date_detection": False,
        "_source": {"excludes": ["words", "vector"]},  # nobody reads them back, and they are most of the bytes
        "properties": {
            "part": keyword,
            "document": keyword,
            "version": keyword,
            "record": {"type": "object", "enabled": False},
            "number": {"type": "integer", "index": False},
            "heading": shown,
            "text": shown,
            "location": shown,
            "anchor": shown,
            "words": {"type": "text", "analyzer": analyzer},
            "series": keyword,
            "season": {"type": "integer"},
            "circuit": keyword,
            "kind": keyword,
            "team": keyword,
        },
    }


def own_mappings(index: Index) -> dict[str, Any]:
    """What is decided with the first document: whose vectors, how long, and how words are cut."""
    vector = {
        "type": "dense_vector",
        "dims": index.dims,
        "index": True,
        "similarity": "cosine",
        "index_options": VECTOR_INDEX,
    }
    meta = {"embedder": index.embedder, "dims": index.dims, "analyzer": index.analyzer}
    return {"_meta": meta, "properties": {"vector": vector}}


#: One shard: rules are few, and the scores of several do not compare. A replica where there is a node for it.
SETTINGS: Final = {"number_of_shards": 1, "auto_expand_replicas": "0-1"}
