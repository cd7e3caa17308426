"""Documents beside the simulation: opened in the background, asked within a budget, silent when they fail."""

import asyncio
import threading

import pytest
from pitcall_model_server import librarian as module
from pitcall_model_server.evidence import Topic
from pitcall_model_server.librarian import Librarian

from pitcall.adapters.knowledge.sqlite import SqliteKnowledge
from pitcall.errors import DeadlineExceeded, KnowledgeMismatch, KnowledgeUnavailable, NotFound
from pitcall.knowledge.chunk import Outline
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import Draft, Library
from pitcall.knowledge.messages import Filter, Labels

pytestmark = pytest.mark.unit

UNDERCUT = (Topic("undercut", "undercut by the car behind"), Filter())
RED_FLAG = (Topic("red flag", "tyre change under a red flag"), Filter())
#: Longest wait of a test, s: only a broken librarian takes it.
PATIENCE_S = 10.0


def draft(title, *texts, **labels):
    outline = Outline()
    for text in texts:
        outline.text(text)
    return Draft(f"https://example.org/{title}", title, outline.sections(), Labels(**labels))


class Shelf(Library):
    """A library whose searches wait, fail and are counted."""

    def __init__(self, path):
        super().__init__(SqliteKnowledge(path), HashingEmbedder())
        self.searches = 0
        self.fails = None
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def search(self, text, where=None, **options):
        self.searches += 1
        await self.go_on.wait()
        if self.fails is not None:
            raise self.fails
        return await super().search(text, where, **options)


class Told:
    """What the librarian says of the documents."""

    def __init__(self):
        self.heard = []
        self.news = asyncio.Event()

    async def __call__(self, *, there):
        self.heard.append(there)
        self.news.set()

    async def wait(self):
        async with asyncio.timeout(PATIENCE_S):
            await self.news.wait()
        self.news.clear()


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test moves."""

    class Clock:
        now = 1_000.0

    monkeypatch.setattr(module, "monotonic", lambda: Clock.now)
    return Clock


@pytest.fixture
async def shelf(tmp_path):
    made = Shelf(tmp_path / "knowledge.db")
    await made.add(draft("Undercut", "The undercut gains a place on a car behind or ahead."))
    await made.add(draft("Red flag", "Under a red flag a tyre change costs nothing."))
    yield made
    await made.store.close()


@pytest.fixture
async def librarian(shelf, told):
    """One whose documents are open."""
    made = Librarian(told)
    made.start(lambda: shelf)
    await told.wait()
    shelf.searches = 0
    yield made
    shelf.go_on.set()
    await made.close()


def titles(grounding):
    return [source.title for source in grounding.sources]


class TestGround:
    async def test_each_topic_has_its_source_in_order(self, librarian):
        """With who made the vectors."""
        found = await librarian.ground([RED_FLAG, UNDERCUT], 5.0)
        assert (titles(found), found.missing) == (["Red flag", "Undercut"], "")
        assert [source.topic for source in found.sources] == ["red flag", "undercut"]
        assert found.embedder == HashingEmbedder.id

    async def test_a_document_is_cited_once(self, librarian):
        """Two topics that one page speaks about have one source."""
        again = (Topic("car", "undercut by the car behind"), Filter())
        assert titles(await librarian.ground([UNDERCUT, again], 5.0)) == ["Undercut"]

    async def test_what_no_document_speaks_about_has_no_source(self, librarian):
        """And the answer says so."""
        found = await librarian.ground([(Topic("refuelling", "refuelling in the pits"), Filter())], 5.0)
        assert (found.sources, found.missing) == ((), "no document speaks about this call")

    async def test_a_store_without_documents_is_no_failure(self, tmp_path, told):
        """There is no file before the first one; nothing rests, and the documents can be reached."""
        librarian = Librarian(told)
        librarian.start(lambda: Shelf(tmp_path / "none.db"))
        await told.wait()
        assert (await librarian.ground([UNDERCUT], 5.0)).missing == "no document speaks about this call"
        assert (await librarian.search("red flag", Filter(), hits=1, per_document=1, budget_s=5.0)).sources == ()
        await librarian.add(draft("Undercut", "The undercut gains a place on a car behind."))
        assert titles(await librarian.ground([UNDERCUT], 5.0)) == ["Undercut"]
        assert told.heard == [True]
        await librarian.close()

    async def test_the_documents_of_another_team_say_nothing(self, librarian):
        """The filter of the call holds."""
        await librarian.add(draft("Secret undercut", "Our undercut by the car behind.", team="theirs"))
        mine = (UNDERCUT[0], Filter(team=("ours", "")))
        assert titles(await librarian.ground([mine], 5.0)) == ["Undercut"]

    async def test_the_same_topic_is_looked_up_once(self, librarian, shelf):
        """However many ask at the same time, and for a minute after."""
        await asyncio.gather(*(librarian.ground([UNDERCUT], 5.0) for _ in range(5)))
        await librarian.ground([UNDERCUT], 5.0)
        assert shelf.searches == 1

    async def test_what_was_found_is_forgotten_after_a_while(self, librarian, shelf, clock):
        """Other processes add documents too."""
        await librarian.ground([UNDERCUT], 5.0)
        clock.now += module.KEPT_S + 1
        await librarian.ground([UNDERCUT], 5.0)
        assert shelf.searches == 2

    async def test_a_document_that_is_added_or_removed_counts_at_once(self, librarian):
        """In this process nothing old is cited."""
        await librarian.ground([UNDERCUT], 5.0)
        await librarian.add(draft("Covering", "To cover is to answer the undercut by the car behind."))
        first = await librarian.ground([UNDERCUT], 5.0)
        await librarian.remove(first.sources[0].document)
        second = await librarian.ground([UNDERCUT], 5.0)
        assert {*titles(first), *titles(second)} == {"Undercut", "Covering"}

    async def test_a_slow_search_costs_the_budget_and_is_of_use_to_the_next(self, librarian, shelf):
        """Nobody waits longer; what was begun is finished."""
        shelf.go_on.clear()
        late = await librarian.ground([UNDERCUT], 0.0)
        assert (late.sources, late.missing) == ((), "the search for sources took too long")
        shelf.go_on.set()
        assert titles(await librarian.ground([UNDERCUT], 5.0)) == ["Undercut"]
        assert shelf.searches == 1

    @pytest.mark.parametrize(
        ("error", "says"),
        [
            (KnowledgeUnavailable("no connection to http://10.0.0.7:9200"), "the documents cannot be reached"),
            (KnowledgeMismatch("minilm, not hashing"), "pitcall knowledge reindex"),
            (DeadlineExceeded("2 s"), "took too long"),
            (ValueError("a fault"), "the documents cannot be reached"),
        ],
    )
    async def test_a_store_that_fails_is_left_alone_for_a_while(self, librarian, shelf, told, clock, error, says):
        """The reason is in plain words, without addresses; answers in between do not wait for it."""
        shelf.fails = error
        assert says in (await librarian.ground([UNDERCUT], 5.0)).missing
        assert says in (await librarian.ground([RED_FLAG], 5.0)).missing
        assert shelf.searches == 1
        shelf.fails = None
        clock.now += module.REST_S + 1
        assert titles(await librarian.ground([UNDERCUT], 5.0)) == ["Undercut"]
        await told.wait()
        assert told.heard[0] is True
        assert told.heard[-1] is True


class TestOpening:
    async def test_nobody_waits_for_it(self, tmp_path, told):
        """Until they are open, calls have no source; who asks for documents waits for them, but not for ever."""
        opened = threading.Event()

        def slow():
            opened.wait(PATIENCE_S)
            return Shelf(tmp_path / "knowledge.db")

        librarian = Librarian(told)
        librarian.start(slow)
        assert (await librarian.ground([UNDERCUT], 0.01)).missing == "the documents are still being opened"
        with pytest.raises(KnowledgeUnavailable, match="still being opened; try again"):
            await librarian.search("undercut", Filter(), hits=1, per_document=1, budget_s=0.01)
        waiting = asyncio.create_task(
            librarian.search("undercut", Filter(), hits=1, per_document=1, budget_s=PATIENCE_S)
        )
        opened.set()
        assert (await waiting).sources == ()
        assert told.heard == [True]
        await librarian.close()

    async def test_documents_that_cannot_be_opened_are_a_reason(self, told):
        """Such as a wrong address; the log has it."""

        def broken():
            raise KnowledgeUnavailable("the weights are damaged")

        librarian = Librarian(told)
        librarian.start(broken)
        await told.wait()
        assert told.heard == [False]
        assert (await librarian.ground([UNDERCUT], 5.0)).missing == "the documents cannot be reached"
        await librarian.close()

    async def test_the_handbook_is_read_in_behind_the_answers(self, shelf, told):
        """Meanwhile what is there is found, and what is not there yet is said to be on its way."""
        begun, go_on = asyncio.Event(), threading.Event()
        loop = asyncio.get_running_loop()
        wanted = [(Topic("overcut", "overcut by waiting"), Filter())]

        def stock(library, stopping):
            loop.call_soon_threadsafe(begun.set)
            go_on.wait(PATIENCE_S)
            asyncio.run(library.add(draft("Overcut", "An overcut is won by waiting.")))

        librarian = Librarian(told)
        librarian.start(lambda: shelf, stock)
        async with asyncio.timeout(PATIENCE_S):
            await begun.wait()
        await told.wait()
        assert (await librarian.ground(wanted, 5.0)).missing == "the handbook is still being read in"
        assert told.heard == [False]
        go_on.set()
        assert librarian._thread is not None
        await asyncio.to_thread(librarian._thread.join)
        await told.wait()
        assert told.heard == [False, True]
        assert titles(await librarian.ground(wanted, 5.0)) == ["Overcut"]
        await librarian.close()

    async def test_closing_ends_what_runs_in_the_background(self, shelf, told):
        """The handbook stops at the next document."""
        stopped = threading.Event()

        def stock(library, stopping):
            while not stopping():
                stopped.wait(0.001)
            stopped.set()

        librarian = Librarian(told)
        librarian.start(lambda: shelf, stock)
        await told.wait()
        await librarian.close()
        assert stopped.is_set()


class TestSearch:
    async def test_passages_are_sources_with_what_they_cover(self, librarian):
        """A question in words has no topic."""
        found = await librarian.search("red flag", Filter(), hits=1, per_document=1, budget_s=5.0)
        assert [(source.title, source.covered, source.topic) for source in found.sources] == [("Red flag", 1.0, "")]
        assert (found.embedder, found.missed) == (HashingEmbedder.id, ())
        assert found.took_ms > 0

    async def test_an_error_reaches_the_caller_and_the_health(self, librarian, shelf, told):
        """It asked for nothing else."""
        shelf.fails = KnowledgeUnavailable("down")
        with pytest.raises(KnowledgeUnavailable, match="down"):
            await librarian.search("red flag", Filter(), hits=1, per_document=1, budget_s=5.0)
        await told.wait()
        assert told.heard == [True, False]

    async def test_a_document_that_is_not_there_cannot_be_removed(self, librarian):
        """As the store says."""
        with pytest.raises(NotFound):
            await librarian.remove("nothing")
