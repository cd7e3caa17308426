"""The client's half of the socket protocol."""

import json

import pytest

from pitcall.client.protocol import Conversation, parse, socket_url
from pitcall.errors import InvalidRequest, NotFound, PitcallError

pytestmark = pytest.mark.unit

WELCOME = {"type": "welcome", "seq": 1, "version": 1, "session": "token", "resumed": False, "races": []}


def car(key, position, **changes):
    return {"car": key, "position": position, "gap_s": 0.0, **changes}


def received(conversation, **body):
    return conversation.receive(json.dumps(body))


@pytest.fixture
def conversation():
    """A conversation that was welcomed."""
    talk = Conversation()
    received(talk, **WELCOME)
    return talk


@pytest.fixture
def following(conversation):
    """A conversation that follows the race ``monza`` with two cars."""
    race = {"id": "monza", "lap": 3, "track": "green", "cars": [car("VER", 1), car("HAM", 2)]}
    received(conversation, type="race.snapshot", seq=2, race=race, replay={"playing": False, "lap": 3})
    return conversation


class TestFrames:
    def test_an_option_that_is_none_is_left_out(self):
        """The server refuses unknown fields and nulls where it wants numbers."""
        sent = json.loads(Conversation().ask("q1", "When?", race="monza", car=None, seed=0, goal="win", target=None))
        assert sent == {"type": "ask", "id": "q1", "text": "When?", "race": "monza", "seed": 0, "goal": "win"}

    def test_a_first_hello_has_no_token(self):
        """There is nothing to resume yet."""
        assert json.loads(Conversation().hello()) == {"type": "hello", "version": 1}

    def test_a_second_hello_resumes_after_the_last_frame(self, following):
        """The server sends again what came after that number."""
        assert json.loads(following.hello()) == {"type": "hello", "version": 1, "resume": "token", "last_seq": 2}

    def test_each_request_is_a_frame_of_the_protocol(self):
        """Names and fields are those of docs/reference/socket.md."""
        talk = Conversation()
        frames = [
            talk.follow("monza", "VER", 3),
            talk.unfollow("monza"),
            talk.cancel("q1"),
            talk.control("monza", "speed", speed=2.0),
        ]
        assert [json.loads(frame) for frame in frames] == [
            {"type": "follow", "race": "monza", "car": "VER", "lap": 3},
            {"type": "unfollow", "race": "monza"},
            {"type": "cancel", "id": "q1"},
            {"type": "replay.control", "race": "monza", "action": "speed", "speed": 2.0},
        ]


class TestReceive:
    @pytest.mark.parametrize("text", ["{", "[]", '{"seq": 1}', '{"type": "welcome"}', '{"type": 1, "seq": 1}'])
    def test_what_is_not_a_frame_is_refused(self, text):
        """Another server on that port is told apart from ours, with its first words."""
        with pytest.raises(PitcallError, match="the server sent"):
            parse(text)

    def test_another_version_is_refused(self):
        """Half-understood frames would be worse than none."""
        with pytest.raises(PitcallError, match="version 2"):
            received(Conversation(), **{**WELCOME, "version": 2})

    def test_a_lost_frame_is_noticed(self, conversation):
        """A delta that is missing would leave a wrong race on the screen."""
        with pytest.raises(PitcallError, match="frames 2 to 4 were lost"):
            received(conversation, type="answer.delta", seq=5, id="q1")

    def test_a_frame_that_was_already_seen_is_skipped(self, following):
        """After a resume the server may send more than is missing."""
        assert received(following, type="race.delta", seq=2, race="monza", changes={"lap": 99}) is None
        assert following.races["monza"]["lap"] == 3

    def test_an_error_becomes_its_class(self):
        """The name that crossed the wire is the name of the class, and the trace id goes with it."""
        frame = parse(
            '{"type": "error", "seq": 1, "id": "q1", "error": "NotFound", "detail": "no car", "trace_id": "ab"}'
        )
        raised = frame.error()
        assert (type(raised), raised.detail, raised.__notes__) == (NotFound, "no car", ["trace id ab"])

    def test_an_error_of_a_newer_server_is_still_a_pitcall_error(self):
        """A name that this version does not know is no reason to crash."""
        assert type(parse('{"type": "error", "seq": 1, "error": "Newer", "detail": "x"}').error()) is PitcallError


class TestRaces:
    def test_a_delta_changes_only_what_it_names(self, following):
        """Everything else stays as the snapshot said."""
        received(following, type="race.delta", seq=3, race="monza", changes={"lap": 4}, cars=[])
        assert following.races["monza"] == {
            "id": "monza", "lap": 4, "track": "green", "cars": [car("VER", 1), car("HAM", 2)],
        }  # fmt: skip

    def test_cars_stay_in_running_order(self, following):
        """An overtake arrives as two changed cars, in any order."""
        received(following, type="race.delta", seq=3, race="monza", changes={}, cars=[car("VER", 2), car("HAM", 1)])
        assert [entry["car"] for entry in following.races["monza"]["cars"]] == ["HAM", "VER"]

    def test_every_delta_makes_a_new_object(self, following):
        """Who holds the old state can see that there is a newer one."""
        before = following.races["monza"]
        received(following, type="race.delta", seq=3, race="monza", changes={}, cars=[], replay={"playing": True})
        assert following.races["monza"] is not before
        assert following.replays["monza"] == {"playing": True}

    def test_a_delta_of_an_unfollowed_race_is_ignored(self, following):
        """It was on its way when the race was unfollowed."""
        following.unfollow("monza")
        received(following, type="race.delta", seq=3, race="monza", changes={"lap": 4}, cars=[])
        assert following.races == {}

    def test_a_session_that_cannot_be_resumed_starts_anew(self, following):
        """Its numbers start at 1 again, and its races are followed again."""
        received(following, **WELCOME)
        assert (following.races, following.last_seq) == ({}, 1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8080", "ws://127.0.0.1:8080/ws"),
        ("https://pit.example/", "wss://pit.example/ws"),
        ("https://pit.example/wall", "wss://pit.example/wall/ws"),
        ("ws://[::1]:8080/ws", "ws://[::1]:8080/ws"),
    ],
)
def test_the_socket_is_found_from_the_address_of_the_page(url, expected):
    """People copy the address that ``pitcall up`` printed."""
    assert socket_url(url) == expected


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://host", "http://"])
def test_an_address_of_nothing_is_refused(url):
    """The message shows what an address looks like."""
    with pytest.raises(InvalidRequest, match="such as http://"):
        socket_url(url)
