"""What every knowledge store promises, over each adapter and its real server."""

import asyncio
from contextlib import suppress

import numpy as np
import pytest

from pitcall.errors import (
    DeadlineExceeded,
    InvalidRequest,
    KnowledgeMismatch,
    KnowledgeReadOnly,
    KnowledgeUnavailable,
    NotFound,
)
from pitcall.knowledge.hashing import HashingEmbedder
from pitcall.knowledge.library import ignore
from pitcall.knowledge.messages import Document, Entry, Filter, Passage, Query
from tests.contract.knowledge.shelf import EMBEDDER, Other, entry, put, search, texts

pytestmark = pytest.mark.contract

UNDERCUT = "Stop first and use fresh tyres to pass the car ahead while it stays out: the undercut."
SAFETY_CAR = "Behind the safety car a stop costs less, because everybody drives slowly."
RAIN = "On a wet track intermediates beat slicks from the crossover on."


class TestEmpty:
    async def test_holds_nothing_and_says_so(self, store):
        """No document, no passage, and no error."""
        info = await store.info()
        assert (info.documents, info.passages, info.embedder) == (0, 0, "")
        assert await store.document("handbook") is None

    async def test_does_not_pretend_to_have_searched(self, store):
        """An empty list would look as if nothing matched."""
        with pytest.raises(KnowledgeUnavailable, match="pitcall knowledge add") as raised:
            await search(store, "undercut")
        assert type(raised.value) is KnowledgeUnavailable  # the name goes over the wire
        with pytest.raises(KnowledgeUnavailable, match="pitcall knowledge add"):
            await store.documents()

    async def test_takes_nothing(self, store):
        """No entries, no store."""
        await store.put([], EMBEDDER.id)
        assert (await store.info()).embedder == ""

    async def test_has_nothing_to_remove(self, store):
        """One clear error."""
        with pytest.raises((NotFound, KnowledgeUnavailable)):
            await store.remove("handbook")


class TestPut:
    async def test_what_is_stored_is_what_is_read(self, store):
        """The document with its labels, the passage with its place, and a link that leads there."""
        made = await put(store, "handbook", UNDERCUT, SAFETY_CAR, series="f1", season=2026, kind="handbook")
        assert await store.document("handbook") == made
        assert await store.documents() == [made]
        (hit,) = (await search(store, "safety car")).hits
        assert hit.document == made
        assert hit.passage == Passage(1, SAFETY_CAR, "Chapter > Part", "page 2", "page=2")
        assert hit.link == "https://example.org/handbook#page=2"

    async def test_is_counted(self, store):
        """Documents, passages, and whose vectors they are."""
        await put(store, "a", UNDERCUT, SAFETY_CAR)
        await put(store, "b", RAIN)
        info = await store.info()
        assert (info.documents, info.passages, info.embedder, info.dims) == (2, 3, EMBEDDER.id, EMBEDDER.dims)
        assert info.bytes > 0

    async def test_again_changes_nothing(self, store):
        """Adding twice is adding once."""
        await put(store, "a", UNDERCUT, SAFETY_CAR)
        before = await search(store, "undercut", per_document=5)
        await put(store, "a", UNDERCUT, SAFETY_CAR)
        assert (await store.info()).passages == 2
        assert texts(await search(store, "undercut", per_document=5)) == texts(before)

    async def test_of_a_new_version_leaves_nothing_of_the_old_one(self, store):
        """Neither by words nor by vector, also where the new one is shorter."""
        await put(store, "a", UNDERCUT, SAFETY_CAR, RAIN)
        await put(store, "a", "Only this is left.")
        for query in (UNDERCUT, SAFETY_CAR, RAIN):
            assert set(texts(await search(store, query, per_document=5))) <= {"Only this is left."}
        assert (await store.info()).passages == 1

    async def test_is_seen_by_another_store(self, store, backend):
        """What one process adds, the next search of another one finds, again and again."""
        other = backend()
        try:
            for text in (UNDERCUT, SAFETY_CAR, RAIN):
                await put(store, "a", text)
                assert texts(await search(other, text)) == [text]
        finally:
            await other.close()

    async def test_of_many_at_once(self, store):
        """New ones, changed ones and unchanged ones in one call; each is there, once."""
        await put(store, "a", UNDERCUT)
        await put(store, "b", RAIN)
        texts_of = {"a": [UNDERCUT], "b": [SAFETY_CAR, "More of it."], **{f"n-{n}": [f"new {n}"] for n in range(20)}}
        await store.put([entry(name, *texts) for name, texts in texts_of.items()], EMBEDDER.id)
        assert [one.id for one in await store.documents()] == sorted(texts_of)
        assert (await store.info()).passages == 23
        assert texts(await search(store, SAFETY_CAR, hits=1)) == [SAFETY_CAR]

    async def test_refuses_vectors_of_another_embedder(self, store):
        """By its name, also if they are as long; and by their length."""
        await put(store, "a", UNDERCUT)
        with pytest.raises(KnowledgeMismatch, match=r"hashing-384@1 .* not of other@1 .* pitcall knowledge reindex"):
            await put(store, "b", RAIN, embedder=Other())
        short = Entry(Document("b", "x:", "B", passages=1), [Passage(0, "x")], np.ones((1, 5), np.float32))
        with pytest.raises(KnowledgeMismatch, match="384 numbers"):
            await store.put([short], EMBEDDER.id)
        assert [one.id for one in await store.documents()] == ["a"]

    async def test_keeps_every_character(self, store):
        """Accents, emoji, quotes, a line break and what looks like markup."""
        odd = "São Paulo 🏁 \"<b>pit</b>\" 'it'\n100 % {x} \\ ü"
        await put(store, "a", odd)
        assert texts(await search(store, "São Paulo")) == [odd]


class TestRemove:
    async def test_takes_all_of_a_document(self, store):
        """It is gone from list and search; the others stay."""
        await put(store, "a", UNDERCUT, SAFETY_CAR)
        await put(store, "b", RAIN)
        await store.remove("a")
        assert [one.id for one in await store.documents()] == ["b"]
        assert set(texts(await search(store, UNDERCUT))) <= {RAIN}

    async def test_names_what_is_not_there(self, store):
        """One clear error."""
        await put(store, "b", RAIN)
        with pytest.raises(NotFound, match="no document 'a'"):
            await store.remove("a")


class TestSearch:
    async def test_says_which_leg_found_what(self, store):
        """Both ranks of a passage that both legs find, and where its words stand."""
        await put(store, "a", UNDERCUT)
        await put(store, "b", SAFETY_CAR)
        first = (await search(store, "undercut")).hits[0]
        assert (first.passage.text, first.ranks) == (UNDERCUT, {"bm25": 1, "dense": 1})
        assert [UNDERCUT[start:end] for start, end in first.marks] == ["undercut"]

    async def test_by_words_alone(self, store):
        """A question without a vector: only what has one of its words."""
        await put(store, "a", UNDERCUT)
        await put(store, "b", SAFETY_CAR)
        found = await store.search(Query("undercut"))
        assert texts(found) == [UNDERCUT]
        assert found.hits[0].ranks == {"bm25": 1}

    async def test_by_meaning_alone(self, store):
        """A vector without words: the nearest first, everything ranked."""
        await put(store, "a", UNDERCUT)
        await put(store, "b", SAFETY_CAR)
        found = await store.search(Query("", EMBEDDER.embed([SAFETY_CAR])[0], EMBEDDER.id))
        assert texts(found) == [SAFETY_CAR, UNDERCUT]
        assert found.hits[0].ranks == {"dense": 1}
        assert found.hits[0].marks == ()

    async def test_finds_words_of_title_and_heading(self, store):
        """A passage rarely repeats what its heading says."""
        await put(store, "handbook", RAIN)
        assert texts(await store.search(Query("handbook"))) == [RAIN]
        assert texts(await store.search(Query("chapter"))) == [RAIN]

    async def test_nothing_matches(self, store):
        """By words alone an empty answer is possible, and no error."""
        await put(store, "a", UNDERCUT)
        assert (await store.search(Query("quidditch"))).hits == ()

    @pytest.mark.parametrize("leg", ["bm25", "dense"])
    async def test_of_some_documents_only(self, store, leg):
        """The filter is part of the search: every hit is within it, and it is filled up to the number wanted."""
        for number in range(30):
            await put(store, f"doc-{number}", f"{SAFETY_CAR} {number}", season=2000 + number, series="f1")
        vector = EMBEDDER.embed([SAFETY_CAR])[0]
        where = Filter(season=(2003, 2017, 2029), series=("f1",))
        query = Query(SAFETY_CAR, where=where) if leg == "bm25" else Query("", vector, EMBEDDER.id, where)
        assert sorted(hit.document.labels.season for hit in (await store.search(query)).hits) == [2003, 2017, 2029]

    async def test_by_each_label(self, store):
        """Also a label that looks like a date, and documents without one."""
        await put(store, "a", UNDERCUT, circuit="Las Vegas", kind="2024-01-01", team="Scuderia")
        await put(store, "b", UNDERCUT)
        for where in (Filter(circuit=("las vegas",)), Filter(kind=("2024-01-01",)), Filter(team=("scuderia",))):
            assert [hit.document.id for hit in (await search(store, "undercut", where=where)).hits] == ["a"]
            assert [one.id for one in await store.documents(where)] == ["a"]
        assert [one.id for one in await store.documents(Filter(circuit=("",)))] == ["b"]
        assert await store.documents(Filter(circuit=("monza",))) == []

    async def test_shows_some_passages_of_a_document(self, store):
        """The best one unless more are wanted; never more than asked for."""
        await put(store, "a", *(f"{UNDERCUT} {number}" for number in range(6)))
        await put(store, "b", RAIN)
        found = await search(store, UNDERCUT)
        assert [hit.document.id for hit in found.hits] == ["a", "b"]
        assert len((await search(store, UNDERCUT, per_document=3, hits=10)).hits) == 4
        assert len((await search(store, UNDERCUT, per_document=6, hits=2)).hits) == 2

    @pytest.mark.parametrize(
        "text",
        [
            '"', "'", "undercut OR", "AND", "NOT undercut", "text:undercut", "undercut*", "NEAR(undercut, 2)",
            "%", "…", "^undercut", "{undercut}", "-undercut", "(", ")", "+", "\\", "title : x",
            "undercut; DROP TABLE passage", "a" * 4000, "<script>", "${jndi:ldap}", "*:*", "_exists_:x", "undercut~2",
            "\x01\x02",
        ],
    )  # fmt: skip
    async def test_takes_no_text_for_an_instruction(self, store, text):
        """Whatever the query language of the store makes of it, it is words, and the right passage still comes."""
        await put(store, "a", UNDERCUT)
        found = await search(store, text)
        assert texts(found) == [UNDERCUT]

    async def test_refuses_a_vector_of_another_embedder(self, store):
        """Numbers of another model would be found near by chance."""
        await put(store, "a", UNDERCUT)
        with pytest.raises(KnowledgeMismatch, match="pitcall knowledge reindex"):
            await search(store, "undercut", embedder=Other())
        with pytest.raises(KnowledgeMismatch, match="pitcall knowledge reindex"):
            await store.search(Query("", np.ones(3, np.float32), EMBEDDER.id))

    async def test_without_time_is_an_error(self, store):
        """No leg was done: an empty answer would be a lie."""
        await put(store, "a", UNDERCUT)
        with pytest.raises(DeadlineExceeded):
            await store.search(Query("undercut", budget_s=0.0))

    async def test_sees_each_document_in_one_version_while_it_is_replaced(self, store, backend):
        """Never half of one and half of another, and never none."""
        writer = backend()
        mixed: list[list[str]] = []

        async def replace_it() -> None:
            for version in range(8):
                await put(writer, "a", *(f"undercut version{version} part{n}" for n in range(6)))

        try:
            await put(store, "a", *(f"undercut versionx part{n}" for n in range(6)))
            writing = asyncio.create_task(replace_it())
            while not writing.done():
                found = texts(await search(store, "undercut", per_document=6, hits=6))
                if len({text.split()[1] for text in found}) != 1 or len(found) != 6:
                    mixed.append(found)
            await writing
        finally:
            await writer.close()
        assert mixed == []

    async def test_many_at_once(self, store):
        """Concurrent searches get the answers that they would get alone."""
        for name, text in (("a", UNDERCUT), ("b", SAFETY_CAR), ("c", RAIN)):
            await put(store, name, text)
        wanted = [UNDERCUT, SAFETY_CAR, RAIN] * 4
        found = await asyncio.gather(*(search(store, text, hits=1) for text in wanted))
        assert [texts(one) for one in found] == [[text] for text in wanted]


class TestReindex:
    async def test_makes_every_vector_anew(self, store):
        """The store belongs to the new embedder, and everything is still there."""
        await put(store, "a", UNDERCUT, SAFETY_CAR, series="f1")
        await put(store, "b", RAIN)
        before = await store.documents()
        told: list[tuple[int, int]] = []
        await store.reindex(Other(), lambda done, total: told.append((done, total)))
        assert (await store.info()).embedder == "other@1"
        assert await store.documents() == before
        assert texts(await search(store, UNDERCUT, embedder=Other(), hits=1)) == [UNDERCUT]
        assert told[-1][0] == told[-1][1]
        with pytest.raises(KnowledgeMismatch):
            await search(store, UNDERCUT)

    async def test_catches_up_with_what_happens_meanwhile(self, store, backend):
        """Added, replaced and removed while the vectors are made: nothing is lost and nothing comes back."""
        for name in ("a", "b", "c"):
            await put(store, name, f"{UNDERCUT} {name}")

        loop = asyncio.get_running_loop()

        class Slow(Other):
            """While the first document is embedded, others change."""

            changed = False

            def embed(self, texts):
                if not self.changed:
                    Slow.changed = True
                    asyncio.run_coroutine_threadsafe(change(), loop).result(60)
                return super().embed(texts)

        async def change() -> None:
            writer = backend()
            try:
                await put(writer, "d", RAIN)
                await put(writer, "b", SAFETY_CAR)
                await writer.remove("c")
            finally:
                await writer.close()

        await store.reindex(Slow(), ignore)
        assert [one.id for one in await store.documents()] == ["a", "b", "d"]
        assert texts(await search(store, SAFETY_CAR, embedder=Other(), hits=1)) == [SAFETY_CAR]
        assert texts(await search(store, RAIN, embedder=Other(), hits=1)) == [RAIN]
        assert (await store.info()).passages == 3

    async def test_loses_no_write_that_was_accepted(self, store, backend):
        """To the last moment a document is either refused, with an error that says so, or there afterwards."""
        await put(store, "a", UNDERCUT)
        loop = asyncio.get_running_loop()
        accepted = ["a"]

        class Pushing(Other):
            """With every document that is embedded another one comes."""

            calls = 0

            def embed(self, texts):
                Pushing.calls += 1
                if self.calls < 6:
                    asyncio.run_coroutine_threadsafe(push(f"late-{self.calls}"), loop).result(60)
                return super().embed(texts)

        async def push(name: str) -> None:
            writer = backend()
            try:
                await put(writer, name, RAIN)
                accepted.append(name)
            except KnowledgeReadOnly:
                pass
            finally:
                await writer.close()

        await store.reindex(Pushing(), ignore)
        assert len(accepted) > 1
        assert [one.id for one in await store.documents()] == accepted
        assert texts(await search(store, RAIN, embedder=Other(), hits=1)) == [RAIN]

    async def test_that_breaks_off_changes_nothing(self, store):
        """The old vectors serve, documents can be added, and the next reindex is whole."""
        await put(store, "a", UNDERCUT)
        await put(store, "b", RAIN)

        class Broken(Other):
            """Fails at the second document."""

            calls = 0

            def embed(self, texts):
                Broken.calls += 1
                if self.calls == 2:
                    raise MemoryError
                return super().embed(texts)

        with suppress(MemoryError):
            await store.reindex(Broken(), ignore)
        assert texts(await search(store, UNDERCUT, hits=1)) == [UNDERCUT]
        await put(store, "c", SAFETY_CAR)
        await store.reindex(Other(), ignore)
        assert [one.id for one in await store.documents()] == ["a", "b", "c"]
        assert texts(await search(store, SAFETY_CAR, embedder=Other(), hits=1)) == [SAFETY_CAR]

    async def test_is_not_seen_by_searches_until_it_is_done(self, store, backend):
        """Each search is answered, with the old vectors before and the new ones after; nothing fails in between."""
        for number in range(5):
            await put(store, f"doc-{number}", f"{UNDERCUT} {number}")
        reader = backend()
        wrong: list[object] = []

        async def ask() -> None:
            embedder: HashingEmbedder = EMBEDDER
            while not moving.done() or isinstance(embedder, Other) is False:
                try:
                    found = await search(reader, UNDERCUT, embedder=embedder, hits=5)
                except KnowledgeMismatch:
                    if isinstance(embedder, Other):
                        wrong.append("back to the old vectors")
                        return
                    embedder = Other()
                    continue
                if len(found.hits) != 5:
                    wrong.append(found)

        try:
            moving = asyncio.create_task(store.reindex(Other(), ignore))
            await asyncio.gather(*(ask() for _ in range(4)))
            await moving
        finally:
            await reader.close()
        assert wrong == []


class TestSnapshot:
    async def test_brings_back_what_was_there(self, store):
        """Equal documents, counts and answers, whatever was done since."""
        await put(store, "a", UNDERCUT, SAFETY_CAR, series="f1")
        await put(store, "b", RAIN)
        documents, before = await store.documents(), await search(store, SAFETY_CAR, per_document=3)
        await store.snapshot("monday")
        await store.remove("a")
        await put(store, "b", "Something else.")
        await put(store, "c", "Something new.")
        await store.restore("monday")
        assert await store.documents() == documents
        assert texts(await search(store, SAFETY_CAR, per_document=3)) == texts(before)
        assert (await store.info()).passages == 3
        await put(store, "d", "And it goes on.")
        assert texts(await search(store, "goes on", hits=1)) == ["And it goes on."]

    async def test_is_seen_by_another_store(self, store, backend):
        """A reader that had the later state in memory answers from the restored one."""
        reader = backend()
        try:
            await put(store, "a", UNDERCUT)
            await store.snapshot("monday")
            await put(store, "a", RAIN)
            assert texts(await search(reader, RAIN)) == [RAIN]
            await store.restore("monday")
            assert texts(await search(reader, RAIN)) == [UNDERCUT]
        finally:
            await reader.close()

    async def test_also_brings_back_the_embedder(self, store):
        """Vectors and their name belong together."""
        await put(store, "a", UNDERCUT)
        await store.snapshot("monday")
        await store.reindex(Other(), ignore)
        await store.restore("monday")
        assert (await store.info()).embedder == EMBEDDER.id
        assert texts(await search(store, UNDERCUT)) == [UNDERCUT]

    async def test_has_a_name_of_its_own(self, store):
        """Listed oldest first; taken names and impossible ones are refused, unknown ones named with those there are."""
        await put(store, "a", UNDERCUT)
        assert await store.snapshots() == []
        await store.snapshot("monday")
        await store.snapshot("a-tuesday")
        assert await store.snapshots() == ["monday", "a-tuesday"]
        with pytest.raises(InvalidRequest, match="'monday' already"):
            await store.snapshot("monday")
        for name in ("", "../x", "A", "x" * 65, ".hidden"):
            with pytest.raises(InvalidRequest, match="cannot be the name"):
                await store.snapshot(name)
        with pytest.raises(NotFound, match="no snapshot 'sunday'; there are: monday, a-tuesday"):
            await store.restore("sunday")
