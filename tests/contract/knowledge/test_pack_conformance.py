"""Our own documents in every store."""

import pytest

from pitcall.adapters.model import shipped
from pitcall.knowledge import pack
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Library, document_id
from pitcall.knowledge.messages import Filter
from tests.contract.knowledge.shelf import put

pytestmark = pytest.mark.contract

PAGES = [
    one
    for one in pack.documents(shipped().parameters)
    if one.source in ("pitcall:handbook/undercut", "pitcall:handbook/cover", "pitcall:circuit/mexico-city")
]


async def test_the_pack_comes_and_goes_as_a_whole(store):
    """Twice changes nothing; a page that is gone from the pack is removed; other documents of the kind stay."""
    library = Library(store, HashingEmbedder())
    await put(store, "ours", "What we do ourselves.", kind="handbook")
    first = await pack.bring(library, PAGES)
    again = await pack.bring(library, PAGES)
    assert (len(first.added), again.added, set(again.unchanged)) == (3, (), set(first.added))
    gone = document_id("pitcall:handbook/cover")
    assert (await pack.bring(library, [one for one in PAGES if document_id(one.source) != gone])).removed == (gone,)
    assert {one.id for one in await store.documents()} == {"ours", *first.added} - {gone}


async def test_a_circuit_is_met_by_its_name(store):
    """As a race spells it."""
    library = Library(store, HashingEmbedder())
    await pack.bring(library, PAGES)
    (hit,) = (await library.search("what does a pit stop cost under green", Filter(circuit=("Mexico City",)))).hits
    assert (hit.document.title, hit.passage.heading) == ("Mexico City (Mexico City Grand Prix)", "Pit loss")
