"""Our own documents."""

import re
from dataclasses import replace

import pytest

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.adapters.model import shipped
from pitcall.knowledge import pack
from pitcall.knowledge.chunk import Paragraph, Section, split
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Draft, Library, document_id
from pitcall.knowledge.messages import Labels

pytestmark = pytest.mark.unit

PARAMETERS = shipped().parameters
DRAFTS = pack.documents(PARAMETERS)
HANDBOOK = [draft for draft in DRAFTS if draft.labels.kind == "handbook"]


@pytest.fixture
async def library(tmp_path):
    store = SqliteKnowledge(tmp_path / "knowledge.db")
    yield Library(store, HashingEmbedder())
    await store.close()


def text_of(draft):
    return "\n".join(passage.text for passage in split(draft.sections))


class TestDocuments:
    def test_the_same_parameters_give_the_same_documents(self):
        """To the letter, in the same order, under ids that no other has."""
        assert pack.documents(PARAMETERS) == DRAFTS
        assert len({document_id(draft.source) for draft in DRAFTS}) == len(DRAFTS)

    def test_a_page_for_every_circuit_and_a_handbook(self):
        """Labelled, so that a race's question meets its own circuit and no other."""
        circuits = [draft for draft in DRAFTS if draft.labels.kind == "circuit"]
        assert len(circuits) == len(PARAMETERS.circuits)
        spa = next(draft for draft in circuits if draft.source == "pitcall:circuit/spa-francorchamps")
        assert (spa.title, spa.labels) == (
            "Spa-Francorchamps (Belgian Grand Prix)",
            Labels(series="f1", circuit="Spa-Francorchamps", kind="circuit"),
        )
        assert next(d for d in HANDBOOK if d.source == "pitcall:handbook/compounds").labels.series == "f1"
        assert next(d for d in HANDBOOK if d.source == "pitcall:handbook/undercut").labels == Labels(kind="handbook")

    def test_the_version_changes_with_a_page(self):
        """And with nothing else."""
        changed = pack.documents(replace(PARAMETERS, version="fit@other"))
        assert pack.version(DRAFTS) == pack.version(pack.documents(PARAMETERS))
        assert re.fullmatch(r"pack@[0-9a-f]{12}", pack.version(DRAFTS))
        assert pack.version(changed) != pack.version(DRAFTS)


class TestHandbook:
    @pytest.mark.parametrize("draft", HANDBOOK, ids=lambda draft: draft.source.rpartition("/")[2])
    def test_a_section_is_one_passage(self, draft):
        """It is cited whole, and its heading says what it is about."""
        passages = split(draft.sections)
        assert len(passages) == len(draft.sections)
        assert all(passage.heading for passage in passages)

    @pytest.mark.parametrize("draft", HANDBOOK, ids=lambda draft: draft.source.rpartition("/")[2])
    def test_it_holds_no_measured_figure(self, draft):
        """Seconds and percentages are those of a circuit and a season: they come from parameters, not from a page."""
        assert re.findall(r"\d+(?:[.,]\d+)?\s?(?:s\b|seconds?|%|laps?\b)", text_of(draft)) == []


def page(name, text):
    return Draft(f"pitcall:handbook/{name}", name, [Section(1, "", name, *_NOWHERE, [Paragraph(text)])], _HANDBOOK)


_HANDBOOK = Labels(kind="handbook")
_NOWHERE = (Paragraph("").place, "")


class TestBring:
    async def test_twice_changes_nothing(self, library):
        """The second time every document is there already."""
        told = []
        first = await pack.bring(library, DRAFTS[:3], lambda done, total: told.append((done, total)))
        again = await pack.bring(library, DRAFTS[:3])
        assert (len(first.added), again.added, again.unchanged) == (3, (), first.added)
        assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]

    async def test_a_new_version_replaces_the_old_one(self, library):
        """A page that changed is new, a page that is gone is removed, and nobody else's document is touched."""
        notes = Draft("https://example.org/notes", "Notes", page("x", "Our own notes.").sections, _HANDBOOK)
        await library.add(notes)
        await pack.bring(library, [page("kept", "As it was."), page("new", "Old text."), page("gone", "Farewell.")])
        brought = await pack.bring(library, [page("kept", "As it was."), page("new", "New text.")])
        ids = {name: document_id(f"pitcall:handbook/{name}") for name in ("kept", "new", "gone")}
        assert brought == pack.Brought((ids["new"],), (ids["kept"],), (ids["gone"],))
        assert {one.source for one in await library.store.documents()} == {
            "https://example.org/notes",
            "pitcall:handbook/kept",
            "pitcall:handbook/new",
        }
        (hit,) = (await library.search("old or new text")).hits
        assert hit.passage.text == "New text."
