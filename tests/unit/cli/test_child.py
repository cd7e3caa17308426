"""What a person sees of a service's log."""

import json

import pytest

from pitcall.cli.child import _shortened

pytestmark = pytest.mark.unit


def line(severity, **fields):
    return json.dumps({"time": "2026-01-01T00:00:00", "severity": severity, "service": "x", **fields}) + "\n"


@pytest.mark.parametrize(("severity", "important"), [("INFO", False), ("WARNING", True), ("ERROR", True)])
def test_only_warnings_and_worse_are_important(severity, important):
    """The rest is in the log file, and shown with --verbose."""
    assert _shortened("sim-worker", line(severity, message="warm")) == (
        f"sim-worker: {severity.lower()}: warm",
        important,
    )


def test_of_an_exception_only_the_last_line_is_shown():
    """The stack trace is in the log file."""
    trace = "Traceback (most recent call last):\n  File ...\nOSError: disk full\n"
    assert _shortened("m", line("ERROR", message="lost", exception=trace))[0] == "m: error: lost (OSError: disk full)"


@pytest.mark.parametrize("text", ["Segmentation fault", "[1]", '{"no": "message"}', ""])
def test_what_is_not_a_log_record_is_important(text):
    """An interpreter that crashes does not write JSON."""
    assert _shortened("m", text + "\n") == (f"m: {text}", True)
