"""Small documents, and how tests put and find them."""

from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.messages import Document, Entry, Filter, Labels, Passage, Query

EMBEDDER = HashingEmbedder()


class Other(HashingEmbedder):
    """Another embedder, as far as a store can tell."""

    id = "other@1"  # type: ignore[misc]  # on purpose


def entry(name, *texts, embedder=EMBEDDER, **labels):
    """A document of these passages; the title and the place follow from name and number."""
    passages = [Passage(n, text, "Chapter > Part", f"page {n + 1}", f"page={n + 1}") for n, text in enumerate(texts)]
    made = Document(name, f"https://example.org/{name}", f"The {name}", Labels(**labels), passages=len(passages))
    return Entry(made, passages, embedder.embed(list(texts)))


async def put(store, name, *texts, embedder=EMBEDDER, **labels):
    """Store such a document and return it."""
    made = entry(name, *texts, embedder=embedder, **labels)
    await store.put([made], embedder.id)
    return made.document


async def search(store, text, *, embedder=EMBEDDER, where=None, **options):
    """Both legs."""
    vector = embedder.embed([text])[0]
    return await store.search(Query(text, vector, embedder.id, where or Filter(), **options))


def texts(found):
    """The passages of an answer, best first."""
    return [hit.passage.text for hit in found.hits]
