"""``pitcall doctor``."""

import json
import os
import socket
import stat

import pytest
from typer.testing import CliRunner

from pitcall.cli import doctor
from pitcall.cli.__main__ import app
from pitcall.cli.doctor import Check, Level

pytestmark = pytest.mark.unit

WRONG = Check("home", Level.FAIL, "cannot be written", "chmod")
ODD = Check("node", Level.WARN, "not found", "make web")
FINE = Check("python", Level.OK, "3.11")


def run(monkeypatch, *checks, args=()):
    monkeypatch.setattr(doctor, "CHECKS", tuple((lambda check=check: check) for check in checks))
    return CliRunner().invoke(app, ["doctor", *args])


def test_a_failure_is_exit_code_1(monkeypatch):
    """A script can tell whether pitcall will work."""
    assert run(monkeypatch, FINE, WRONG).exit_code == 1


def test_a_warning_is_not_a_failure(monkeypatch):
    """Without Node the terminal still works."""
    assert run(monkeypatch, FINE, ODD).exit_code == 0


def test_each_line_says_how_it_stands_and_what_to_type(monkeypatch):
    """Level, name and detail, and the next command below."""
    lines = run(monkeypatch, FINE, ODD).stdout.splitlines()
    assert [line.split() for line in lines] == [
        ["ok", "python", "3.11"],
        ["warn", "node", "not", "found"],
        ["->", "make", "web"],
    ]


def test_json_is_one_object(monkeypatch):
    """For bug reports and scripts."""
    report = json.loads(run(monkeypatch, FINE, ODD, args=["--json"]).stdout)
    assert [(check["name"], check["level"]) for check in report["checks"]] == [("python", "ok"), ("node", "warn")]


def test_a_missing_package_is_named(monkeypatch):
    """The line names what is missing and what is another version than the pin."""
    monkeypatch.setattr(
        doctor,
        "requires",
        lambda _: ["nowhere>=1; extra == 'all'", "typer==0.0.1; extra == 'all'", "x; extra == 'dev'"],
    )
    check = doctor._packages()
    assert (check.level, check.fix) == (Level.FAIL, "make setup")
    assert "nowhere is missing; typer is " in check.detail
    assert check.detail.endswith(", not 0.0.1")


def test_a_home_that_cannot_be_written_fails(monkeypatch, tmp_path):
    """Said before a race is imported into it."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # as root, permissions stop nobody
    assert doctor._home().level is Level.FAIL


def test_the_size_of_the_home_is_told(monkeypatch, tmp_path):
    """Also before it exists."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path / "home"))
    assert doctor._home().detail.endswith("home, 0 files, 0.0 MB")
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "race").write_bytes(b"x" * 1_500_000)
    assert doctor._home().detail.endswith("home, 1 files, 1.5 MB")


@pytest.mark.parametrize(
    ("version", "level"), [("v20.18.3", Level.WARN), ("v20.19.0", Level.OK), ("v22.1.0", Level.OK)]
)
def test_an_old_node_is_told(monkeypatch, tmp_path, version, level):
    """The page needs 20.19."""
    node = tmp_path / "node"
    node.write_text(f"#!/bin/sh\necho {version}\n")
    node.chmod(node.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(doctor, "_wheel_node", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert doctor._node().level is level


def test_a_busy_port_is_told_with_the_one_that_would_be_taken(monkeypatch):
    """The demo would print another address than the README."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(doctor, "DEFAULT_PORT", port)
        check = doctor._port()
    assert check.level is Level.WARN
    assert f"{port} is busy" in check.detail
