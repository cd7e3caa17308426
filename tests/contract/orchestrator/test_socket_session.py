"""hello, resume, follow, replay and good-bye over a real socket."""

import asyncio

import pytest
import websockets

pytestmark = pytest.mark.contract


class TestHello:
    async def test_welcome_lists_the_races_and_is_frame_one(self, orchestrator):
        """A new client learns which races there are."""
        async with orchestrator.connect(hello=False) as client:
            welcome = await client.hello()
        assert welcome["seq"] == 1
        assert welcome["resumed"] is False
        assert welcome["version"] == 1
        toy = {"id": "toy", "name": "Toy Grand Prix", "series": "f1", "total_laps": 12, "cars": 3, "live": False}
        assert toy in welcome["races"]

    async def test_an_unknown_token_gets_a_new_session(self, orchestrator):
        """A session that is long gone is not an error: the client follows again."""
        async with orchestrator.connect(hello=False) as client:
            welcome = await client.hello(resume="gone", last_seq=77)
        assert welcome["resumed"] is False
        assert welcome["seq"] == 1
        assert welcome["session"] != "gone"

    async def test_a_resume_loses_no_frame(self, orchestrator, model_server):
        """The answer that was made while the client was away is there, every frame once and in order."""
        async with orchestrator.connect() as client:
            await client.send("follow", race="toy", car="VER", lap=3)
            await client.until("race.snapshot")
            model_server.go_on.clear()
            await client.send("ask", id="q", text="When should I pit?")
            await client.until("answer.delta")
        model_server.go_on.set()
        async with orchestrator.connect(hello=False) as again:
            again.seq = client.seq
            welcome = await again.hello(resume=client.token, last_seq=client.seq)
            assert welcome["resumed"] is True
            assert again.seq == client.seq
            done = await again.until("answer.done")
        assert done["id"] == "q"

    async def test_frames_that_were_sent_before_can_be_had_again(self, orchestrator):
        """A client that lost its last frames names the last one it has."""
        async with orchestrator.connect() as client:
            await client.send("follow", race="toy")
            await client.until("race.snapshot")
        async with orchestrator.connect(hello=False) as again:
            again.seq = 1
            assert (await again.hello(resume=client.token, last_seq=1))["resumed"] is True
            assert (await again.until("race.snapshot"))["seq"] == 2

    async def test_the_newest_connection_holds_the_session(self, orchestrator):
        """A half-open connection does not keep its client from coming back."""
        async with orchestrator.connect() as client, orchestrator.connect(hello=False) as again:
            assert (await again.hello(resume=client.token, last_seq=client.seq))["resumed"] is True
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await client.frame()
            await again.send("follow", race="toy")
            assert (await again.until("race.snapshot"))["race"]["id"] == "toy"
        assert str(closed.value).startswith("received 4001")


class TestFollow:
    async def test_snapshot_shows_the_race_at_the_lap(self, client):
        """Cars come in running order, with what is not known as null."""
        await client.send("follow", race="toy", car="VER", lap=3)
        frame = await client.until("race.snapshot")
        race, replay = frame["race"], frame["replay"]
        assert [car["car"] for car in race["cars"]] == ["VER", "HAM", "LEC"]
        assert race["lap"] == 3
        assert race["cars"][1]["lap"] == 2  # it crosses the line a second later
        assert race["cars"][1]["gap_s"] == 1.0
        assert race["cars"][0]["compound"] == "soft"
        assert replay == {"playing": False, "speed": 1.0, "lap": 3, "total_laps": 12, "t_s": 270.0, "ended": False}

    async def test_a_fast_replay_plays_to_the_end_in_deltas(self, client):
        """Applied to the snapshot, the deltas give the race at the flag."""
        await client.send("follow", race="toy", lap=10)
        race = (await client.until("race.snapshot"))["race"]
        await client.send("replay.control", race="toy", action="speed", speed=100)
        await client.send("replay.control", race="toy", action="play")
        replay = {"ended": False}
        while not replay["ended"]:
            frame = await client.until("race.delta")
            replay = frame["replay"]
            race.update(frame["changes"])
            cars = {car["car"]: car for car in race["cars"]} | {car["car"]: car for car in frame["cars"]}
            race["cars"] = sorted(cars.values(), key=lambda car: car["position"])
        assert replay["playing"] is False
        await client.send("replay.control", race="toy", action="seek", lap=12)
        final = (await client.until("race.snapshot"))["race"]
        await client.send("follow", race="toy", lap=12)
        assert final == (await client.until("race.snapshot"))["race"]
        assert race["lap"] == final["lap"] == 12
        assert [car["car"] for car in race["cars"]] == ["VER", "LEC", "HAM"]

    async def test_seek_and_pause_answer_at_once(self, client):
        """Controls do not wait for the next event of the race."""
        await client.send("follow", race="toy")
        await client.until("race.snapshot")
        await client.send("replay.control", race="toy", action="play")
        assert (await client.until("race.delta"))["replay"]["playing"] is True
        await client.send("replay.control", race="toy", action="seek", lap=7)
        frame = await client.until("race.snapshot")
        assert frame["race"]["lap"] == 7
        assert frame["replay"]["playing"] is True
        await client.send("replay.control", race="toy", action="pause")
        assert (await client.until("race.delta"))["replay"]["playing"] is False

    async def test_seek_may_change_the_car_that_is_followed(self, client):
        """Laps are its own from then on, and so are questions without a car."""
        await client.send("follow", race="toy", car="VER", lap=5)
        of_ver = await client.until("race.snapshot")
        await client.send("replay.control", race="toy", action="seek", lap=5, car="HAM")
        of_ham = await client.until("race.snapshot")
        assert of_ver["race"]["t_s"] < of_ham["race"]["t_s"]
        await client.send("replay.control", race="toy", action="seek", lap=5)
        assert await client.until("race.snapshot") == {**of_ham, "seq": of_ham["seq"] + 1}
        await client.send("replay.control", race="toy", action="seek", lap=6, car="nobody")
        assert (await client.until("error"))["error"] == "NotFound"
        await client.send("ask", id="1", text="Where am I?")
        assert (await client.until("answer.done"))["text"].endswith("You are P2.")

    async def test_unfollow_ends_the_replay(self, client):
        """After it the race is as if it had never been followed."""
        await client.send("follow", race="toy")
        await client.until("race.snapshot")
        await client.send("unfollow", race="toy")
        await client.send("replay.control", race="toy", action="play")
        assert (await client.until("error"))["error"] == "NotFound"


class TestGoodBye:
    async def test_draining_then_1012(self, orchestrator_server, client):
        """A client is told to go elsewhere before its socket closes, and why."""
        orchestrator_server.should_exit = True
        assert "token" in (await client.until("draining"))["reason"]
        with pytest.raises(websockets.ConnectionClosed) as closed:
            await asyncio.wait_for(client.connection.recv(), 5)
        assert str(closed.value).startswith("received 1012")
