"""Questions over a real socket and real gRPC: streaming, defaults, cancellation, failures."""

import asyncio
import time

import grpc
import pytest

from pitcall.errors import InvalidRequest, Overloaded, SimulatorUnavailable
from pitcall.wire.v1 import strategy_pb2 as pb

pytestmark = pytest.mark.contract


class TestAsk:
    async def test_frames_come_in_order_and_hold_every_option(self, client):
        """tool.call, then decisions that refine, then tool.result and the answer."""
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        frames = [await client.frame() for _ in range(5)]
        assert [frame["type"] for frame in frames] == [
            "tool.call", "answer.delta", "answer.delta", "tool.result", "answer.done",
        ]  # fmt: skip
        assert {frame["id"] for frame in frames} == {"q"}
        assert frames[0]["tool"] == "advise"
        assert frames[0]["arguments"] == {"race": "toy", "car": "VER", "lap": 4}
        assert [frame["stage"] for frame in frames[1:3]] == ["screen", "final"]
        assert [option["lap"] for option in frames[1]["decision"]["options"]] == [5, 6, 7, 8, 9, 10, 11]
        assert all(option["standard_error"] == 0.01 for option in frames[1]["decision"]["options"])

    async def test_answer_has_the_shape_of_the_contract(self, client):
        """Text, reasons, decision, provenance and timings, and nothing more."""
        done = await client.answer("When should I pit?", race="toy", car="VER", lap=4, seed=7)
        assert set(done) == {
            "type", "seq", "id", "tool", "text", "why", "decision", "comparison", "forecast", "standings", "sources",
            "ungrounded", "provenance", "timings_ms",
        }  # fmt: skip
        assert done["text"] == "Box lap 7 for hards. P2.0 expected, 1.00 better than boxing now. Sure."
        assert 0 < len(done["why"]) <= 5
        decision = done["decision"]
        assert decision.pop("options")[2] == {
            "lap": 7, "compound": "hard", "mean_position": 2.0, "p_position": [0.25, 0.5, 0.25],
            "delta_positions": 0.0, "utility": 2.0, "delta": 0.0, "standard_error": 0.01, "draws": 64,
            "expected_points": 16.5, "p_win": 0.25, "p_target": 1.0, "cvar_position": 2.75, "rejoin_position": 2.5,
            "rejoin_ahead": "LEC", "rejoin_gap_ahead_s": 1.5, "rejoin_behind": None, "rejoin_gap_behind_s": None,
            "wait_cost": 0.5, "wait_cost_error": 0.02,
        }  # fmt: skip
        assert decision == {
            "action": "box", "lap": 7, "compound": "hard", "resolved": True, "draws": 64, "rounds": 2,
            "cut": False, "best": 2, "tied": [],
            "utility": {"goal": "position", "target": 10, "tail": 0.2, "zone": 0.15},
            "contingencies": [{
                "event": "safety_car", "rival": None, "lap": 5, "compound": "soft", "delta": 0.75,
                "standard_error": 0.05, "changes": True,
            }],
            "break_evens": [{
                "parameter": "pit_loss_s", "now": 20.0, "value": 26.0, "low": 24.0, "high": None, "other": 0,
                "tried_low": 12.0, "tried_high": 32.0,
            }],
        }  # fmt: skip
        assert done["comparison"] is None
        trace_id = done["provenance"].pop("trace_id")
        assert len(trace_id) == 32
        assert done["provenance"] == {
            "model": "fake@1", "seed": 7, "race": "toy", "race_lap": 4, "feed_age_s": 0.0,
            "assumed": ["Wear is a guess."], "draws": 64, "rounds": 2, "embedder": None,
        }  # fmt: skip
        timings = done["timings_ms"]
        assert timings["total"] == timings["orchestrator"] + timings["model_server"] + timings["sim_worker"]
        assert timings["model_server"] == 0.25
        assert timings["sim_worker"] == 0.5
        assert timings["orchestrator"] > 0

    async def test_the_model_server_gets_state_terms_and_trace(self, client, model_server):
        """The state as of the lap, the seed and budget only where they were given, the deadline and the trace."""
        done = await client.answer("When should I pit?", race="toy", car="VER", lap=4)
        asked = model_server.asked[-1]
        assert list(asked.state.laps.count) == [4, 3, 3]
        assert asked.car == "VER"
        assert not asked.HasField("seed")
        assert asked.budget.max_paths == 0
        assert done["provenance"]["trace_id"] in model_server.metadata[-1]["traceparent"]
        await client.answer("When should I pit?", race="toy", car="VER", lap=4, seed=2**64 - 1, max_paths=16)
        asked = model_server.asked[-1]
        assert asked.seed == 2**64 - 1
        assert (asked.budget.first_paths, asked.budget.max_paths) == (16, 16)

    async def test_race_car_and_lap_default_to_what_is_followed(self, client, model_server):
        """A paused replay is the present moment."""
        await client.send("follow", race="toy", car="HAM", lap=3)
        await client.until("race.snapshot")
        done = await client.answer("When should I pit?")
        assert model_server.asked[-1].car == "HAM"
        assert done["provenance"]["race_lap"] == 3
        assert done["provenance"]["feed_age_s"] == 0.0

    async def test_a_car_named_in_the_text_is_seen_after_its_own_lap(self, client, model_server):
        """Asked of LEC at lap 4, the state is that after LEC's own lap 4."""
        done = await client.answer("When should Leclerc pit?", race="toy", car="VER", lap=4)
        assert model_server.asked[-1].car == "LEC"
        assert done["provenance"]["race_lap"] == 4
        assert done["text"].startswith("LEC: box lap 7")

    async def test_a_safety_car_is_supposed(self, client, model_server):
        """The state stays as it is; what is supposed travels beside it, and the tool has its name."""
        done = await client.answer("What if there is a safety car?", race="toy", car="VER", lap=4)
        assert model_server.asked[-1].what_if.track == 4
        assert done["tool"] == "what_if"
        assert done["text"].startswith("Under a safety car: box lap 7")
        assert done["why"][0] == "Supposed: safety car from now on."

    async def test_rain_and_a_rival_are_supposed_too(self, client, model_server):
        """Of a call and of a forecast; the arguments of the tool name them."""
        await client.send("ask", id="q", text="What if it rains in 2 laps?", race="toy", car="VER", lap=4)
        call = await client.until("tool.call")
        assert (call["tool"], call["arguments"]["what_if"]) == ("what_if", {"rain_in_laps": 2})
        assert (await client.until("answer.done"))["text"].startswith("If it rains in 2 laps: box lap 7")
        assert model_server.asked[-1].what_if.rain_in_laps == 2
        done = await client.answer("Where will I finish if HAM boxes now?", race="toy", car="VER", lap=4)
        assert model_server.forecasts[-1].what_if.boxes_now == "HAM"
        assert "Supposed: HAM boxes now." in done["why"]

    async def test_a_goal_comes_from_the_words_or_from_its_field(self, client, model_server):
        """The field has the last word; the answer is in the unit of the goal."""
        done = await client.answer("When should I pit to win?", race="toy", car="VER", lap=4)
        assert model_server.asked[-1].utility.goal == pb.GOAL_WIN
        assert done["decision"]["utility"] == {"goal": "win", "target": 10, "tail": 0.2, "zone": 0.01}
        assert "to win" in done["text"]
        text = "When should I pit to win?"
        await client.answer(text, race="toy", car="VER", lap=4, goal="target", target=3)
        assert (model_server.asked[-1].utility.goal, model_server.asked[-1].utility.target) == (pb.GOAL_TARGET, 3)

    async def test_why_explains_the_last_answer_without_a_new_hop(self, client, model_server):
        """The same decision again, with its evidence in words."""
        await client.send("follow", race="toy", car="VER", lap=4)
        await client.until("race.snapshot")
        first = await client.answer("When should I pit?")
        hops = len(model_server.asked)
        second = await client.answer("why?")
        assert second["tool"] == "explain"
        assert second["decision"] == first["decision"]
        assert "0.8 s a lap" in second["text"]
        assert len(model_server.asked) == hops
        assert second["timings_ms"]["model_server"] == 0.0

    async def test_why_without_an_answer_advises_first(self, client, model_server):
        """A fresh session that asks why gets the call and its reasons."""
        done = await client.answer("why?", race="toy", car="VER", lap=4)
        assert len(model_server.asked) == 1
        assert done["tool"] == "explain"
        assert done["decision"]["lap"] == 7

    async def test_forecast_and_standings(self, client):
        """They come without a decision, in the places that the contract names."""
        forecast = await client.answer("Who wins?", race="toy", lap=4)
        assert forecast["text"] == "VER 50 %, HAM 30 %, LEC 20 % to win."
        assert [car["car"] for car in forecast["forecast"]["cars"]] == ["VER", "HAM", "LEC"]
        assert forecast["decision"] is None
        standings = await client.answer("Who leads?", race="toy", lap=4)
        assert standings["text"] == "Leading: VER, HAM +1.0 s, LEC +2.0 s."
        assert len(standings["standings"]) == 3

    async def test_can_i_undercut_asks_the_other_car_first(self, client, model_server):
        """Whether HAM can undercut VER is what VER knows of the cars behind."""
        done = await client.answer("Can I undercut Verstappen?", race="toy", car="HAM", lap=4)
        assert [request.car for request in model_server.asked] == ["VER", "HAM"]
        assert model_server.asked[0].budget.max_paths == 1
        assert [request.no_outlook for request in model_server.asked] == [True, False]
        assert done["text"].startswith("Yes, the undercut on VER works: 1.0 s to gain, 0.4 s to spare.")

    async def test_a_playing_replay_says_how_old_its_news_is(self, client):
        """Between two events the age of the newest one grows in race time."""
        await client.send("follow", race="toy", car="VER", lap=4)
        await client.until("race.snapshot")
        await client.send("replay.control", race="toy", action="speed", speed=100)
        await client.send("replay.control", race="toy", action="play")
        ages = [(await client.answer("Who leads?"))["provenance"]["feed_age_s"] for _ in range(5)]
        assert max(ages) > 0


class TestCompare:
    async def test_two_plans_are_one_call_of_one_tool(self, client, model_server):
        """Their laps and tyres go out, the difference comes back, and both options with it."""
        text = "Is lap 6 on hards better than lap 9 on softs?"
        await client.send("ask", id="q", text=text, race="toy", car="VER", lap=4, goal="points")
        frames = [await client.frame() for _ in range(3)]
        assert [frame["type"] for frame in frames] == ["tool.call", "tool.result", "answer.done"]
        assert frames[0]["tool"] == "compare"
        assert frames[0]["arguments"] == {
            "race": "toy", "car": "VER", "lap": 4, "a": {"lap": 6, "compound": "hard"},
            "b": {"lap": 9, "compound": "soft"}, "goal": "points",
        }  # fmt: skip
        assert frames[1]["result"] == {"difference": 0.5, "standard_error": 0.01, "told_apart": True}
        done = frames[2]
        assert done["tool"] == "compare"
        assert done["comparison"] == {"a": 0, "b": 1, "difference": 0.5, "standard_error": 0.01, "told_apart": True}
        assert [(o["lap"], o["compound"]) for o in done["decision"]["options"]] == [(6, "hard"), (9, "soft")]
        assert done["text"].startswith("Lap 6 for hards: 2.0 points, 0.50 points better than lap 9 for softs")
        assert done["timings_ms"]["sim_worker"] == 0.5
        asked = model_server.compared[-1]
        assert (asked.a, asked.b) == (
            pb.Call(lap=6, compound=pb.COMPOUND_HARD),
            pb.Call(lap=9, compound=pb.COMPOUND_SOFT),
        )
        assert (asked.car, asked.utility.goal, model_server.asked) == ("VER", pb.GOAL_POINTS, [])

    async def test_now_is_the_lap_that_the_car_is_on(self, client, model_server):
        """After lap 4 "now" is lap 5; tyres that are not named are the model server's choice; terms go along."""
        await client.answer(
            "Pit now or in 3 laps if it rains in 2?", race="toy", car="VER", lap=4, seed=7, max_paths=16
        )
        asked = model_server.compared[-1]
        assert (asked.a, asked.b) == (pb.Call(lap=5), pb.Call(lap=8))
        assert (asked.seed, asked.budget.max_paths, asked.what_if.rain_in_laps) == (7, 16, 2)

    async def test_why_is_about_the_comparison(self, client, model_server):
        """The same decision again, without a hop."""
        await client.send("follow", race="toy", car="VER", lap=4)
        await client.until("race.snapshot")
        first = await client.answer("undercut or overcut?")
        second = await client.answer("why?")
        assert second["decision"] == first["decision"]
        assert len(model_server.compared) == 1

    async def test_a_plan_that_is_not_legal_is_an_error_that_says_what_is(self, client, model_server):
        """Of the model server where the rules are known, of the orchestrator where the lap cannot be."""
        model_server.fails = InvalidRequest("plan B: staying out to the flag is not legal for VER: a stop is missing")
        await client.send("ask", id="q", text="Compare boxing now with staying out", race="toy", car="VER", lap=4)
        error = await client.until("error")
        assert (error["error"], error["detail"]) == ("InvalidRequest", model_server.fails.detail)
        await client.send("ask", id="q", text="Pit now or on lap 30?", race="toy", car="VER", lap=4)
        error = await client.until("error")
        assert (error["error"], len(model_server.compared)) == ("NotUnderstood", 1)
        assert "name a lap from 5 to 11" in error["detail"]


class TestCancel:
    async def test_the_client_gets_cancelled_and_the_call_ends(self, client, model_server):
        """A question that is taken back stops on every hop."""
        model_server.go_on.clear()
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        await client.until("answer.delta")
        await client.send("cancel", id="q")
        error = await client.until("error")
        assert (error["error"], error["id"], error["retryable"]) == ("Cancelled", "q", False)
        assert len(error["trace_id"]) == 32
        await asyncio.wait_for(model_server.cancelled.wait(), 5)

    async def test_at_once(self, client, model_server):
        """Also a question whose work has not begun ends in one error, and its id is free again."""
        for _ in range(5):
            await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
            await client.send("cancel", id="q")
            assert (await client.until("error"))["error"] == "Cancelled"
        assert (await client.answer("When should I pit?", race="toy", car="VER", lap=4))["decision"]["lap"] == 7

    async def test_a_question_that_is_not_open_is_not_found(self, client):
        """So is one that was answered meanwhile."""
        await client.send("cancel", id="q")
        error = await client.until("error")
        assert (error["error"], error["id"]) == ("NotFound", "q")


class TestFailures:
    async def test_too_many_open_questions(self, client, model_server):
        """The fifth has to wait; the four go on."""
        model_server.go_on.clear()
        for n in range(5):
            await client.send("ask", id=f"q{n}", text="When should I pit?", race="toy", car="VER", lap=4)
        while (frame := await client.frame())["type"] != "error":
            pass
        assert (frame["error"], frame["id"], frame["retryable"]) == ("Overloaded", "q4", True)
        model_server.go_on.set()
        answered = [(await client.until("answer.done"))["id"] for _ in range(4)]
        assert sorted(answered) == ["q0", "q1", "q2", "q3"]

    @pytest.mark.parametrize("error", [SimulatorUnavailable("no sim worker"), Overloaded("busy")])
    async def test_an_error_of_the_mesh_keeps_its_class(self, client, model_server, error):
        """The client learns what the model server said, and that trying again can help."""
        model_server.fails = error
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        frame = await client.until("error")
        assert (frame["error"], frame["detail"], frame["retryable"]) == (type(error).__name__, str(error), True)
        assert frame["id"] == "q"

    async def test_the_deadline_ends_a_question(self, client, model_server):
        """Whatever the model server does, the client hears in time."""
        model_server.go_on.clear()
        started = time.monotonic()
        await client.send("ask", id="q", text="Box now?", race="toy", car="VER", lap=4, deadline_ms=300)
        frame = await client.until("error")
        assert (frame["error"], frame["retryable"]) == ("DeadlineExceeded", True)
        assert 0.25 < time.monotonic() - started < 2.0

    async def test_model_server_down_and_up_again(self, client, model_server):
        """Down: a retryable error at once. Up again: the very next question is answered."""
        await client.answer("When should I pit?", race="toy", car="VER", lap=4)
        await model_server.stop()
        for n in range(3):
            started = time.monotonic()
            await client.send("ask", id=f"down{n}", text="When should I pit?", race="toy", car="VER", lap=4)
            frame = await client.until("error")
            assert (frame["error"], frame["retryable"]) == ("ModelServerUnavailable", True)
            assert frame["id"] == f"down{n}"
            assert time.monotonic() - started < 2.0
        await model_server.start()
        assert (await client.answer("When should I pit?", race="toy", car="VER", lap=4))["decision"]["lap"] == 7

    async def test_model_server_killed_half_way(self, client, model_server):
        """A call that is cut ends in a retryable error, not in silence."""
        model_server.go_on.clear()
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        await client.until("answer.delta")
        await model_server.stop()
        frame = await client.until("error")
        assert (frame["error"], frame["retryable"]) == ("ModelServerUnavailable", True)

    async def test_an_answer_without_end_is_an_error(self, client, model_server, monkeypatch):
        """A stream that stops before its final decision is not taken for an answer."""

        async def half(request, context):
            yield model_server._answer(request, final=False)

        monkeypatch.setattr(model_server, "Advise", half)
        await model_server.stop()
        await model_server.start()
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        assert (await client.until("error"))["error"] == "ModelServerUnavailable"

    async def test_a_bug_of_the_model_server_does_not_leak(self, client, model_server, monkeypatch):
        """The client reads one sentence; what went wrong is in the logs."""

        async def broken(request, context):
            await context.abort(grpc.StatusCode.INTERNAL, "Traceback: secret")
            yield

        monkeypatch.setattr(model_server, "Advise", broken)
        await model_server.stop()
        await model_server.start()
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER", lap=4)
        frame = await client.until("error")
        assert frame["error"] == "PitcallError"
        assert "secret" not in frame["detail"]

    async def test_nothing_to_advise_on(self, client, model_server):
        """A race that is over needs no hop to say so."""
        await client.send("ask", id="q", text="When should I pit?", race="toy", car="VER")
        assert (await client.until("error"))["error"] == "StaleFeed"
        assert model_server.asked == []


async def test_every_question_is_a_trace_of_its_own(client):
    """Logs and spans of two questions can be told apart."""
    ids = [(await client.answer("Who leads?", race="toy", lap=4))["provenance"]["trace_id"] for _ in range(3)]
    assert len(set(ids)) == 3
