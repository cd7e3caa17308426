"""The ports of retrieval: a store, an embedder, a reranker.

The store is asynchronous, because its caller is a server that answers other questions meanwhile and because both legs
travel to Elasticsearch at once; the SQLite adapter moves its work into threads. An embedder only computes: its caller
chooses the thread.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from pitcall.knowledge.messages import Document, Entry, Filter, Found, Hit, Query, StoreInfo, Vectors

#: Told how many of how many are done.
Progress: TypeAlias = Callable[[int, int], None]


class Embedder(Protocol):
    """Turns text into vectors of unit length. The same text gives the same vector, within rounding."""

    @property
    def id(self) -> str:
        """Name and content, such as ``minilm-l6-v2@53aa5117``. Vectors of different ids must not meet."""
        ...

    @property
    def dims(self) -> int:
        """Length of a vector."""
        ...

    @property
    def semantic(self) -> bool:
        """Whether texts that share no words can be near each other."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """One row a text. What is too long for the model is cut at its end."""
        ...


class Reranker(Protocol):
    """Looks at question and passages together and orders them anew; slower and finer than a leg."""

    def rerank(self, text: str, hits: Sequence[Hit]) -> list[Hit]:
        """The same hits, best first."""
        ...


class KnowledgeStore(Protocol):
    """Documents, their passages and vectors, and the hybrid search over them.

    Every promise here is held by one conformance suite over every adapter. Every method may raise:
        KnowledgeUnavailable: the store cannot be reached; the subclasses say why and what to do.
    """

    async def info(self) -> StoreInfo:
        """What it holds."""
        ...

    async def put(self, entries: Sequence[Entry], embedder: str) -> None:
        """Store documents, each all or nothing; an older version of one is replaced in the same instant.

        The first document decides which embedder the store belongs to, until ``reindex``.

        Raises:
            KnowledgeMismatch: the store belongs to another embedder.
            KnowledgeReadOnly: nothing can be written.
        """
        ...

    async def remove(self, document: str) -> None:
        """Remove a document with all its passages.

        Raises:
            NotFound: there is no such document.
            KnowledgeReadOnly: nothing can be written.
        """
        ...

    async def document(self, document: str) -> Document | None:
        """One document, None if there is no such."""
        ...

    async def documents(self, where: Filter | None = None) -> list[Document]:
        """Every document that passes the filter, by id."""
        ...

    async def search(self, query: Query) -> Found:
        """Rank with each leg that has input, fuse, and return the best passages.

        All of an answer is of one state of the store: never half of a document, never two indexes.

        Raises:
            KnowledgeMismatch: the vector is not of the embedder that the store was made with.
            DeadlineExceeded: no leg was done within the budget.
        """
        ...

    async def reindex(self, embedder: Embedder, progress: Progress) -> None:
        """Make every vector anew with another embedder. Searches go on and see the old state until all are there.

        Raises:
            KnowledgeReadOnly: nothing can be written.
        """
        ...

    async def snapshot(self, name: str) -> str:
        """Copy the state of this instant. Returns where it is.

        Raises:
            InvalidRequest: the name is taken or cannot be one.
        """
        ...

    async def snapshots(self) -> list[str]:
        """Names, oldest first."""
        ...

    async def restore(self, name: str) -> None:
        """Go back to a snapshot. Searches see the old state until all is there.

        Raises:
            NotFound: no such snapshot; the message names those there are.
            KnowledgeMismatch: it was made with another embedder.
        """
        ...

    async def schedule(self) -> str:
        """Let the server take a snapshot every 6 hours and keep each for 7 days. Returns the name of the policy.

        Raises:
            InvalidRequest: this store has no server that could.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections."""
        ...
