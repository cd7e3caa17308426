"""How other commands find the mesh that ``pitcall up`` runs."""

import json
import os

import httpx
import pytest

from pitcall.cli import mesh
from pitcall.errors import PitcallError

pytestmark = pytest.mark.unit

URL = "http://127.0.0.1:8080"
NOBODY = 2**22 + 1  # above the highest process id of Linux


@pytest.fixture
def run_file(monkeypatch, tmp_path):
    """Write the file; ``answering`` is whether its address answers."""

    def write(content, *, answering):
        monkeypatch.setenv("PITCALL_HOME", str(tmp_path))
        monkeypatch.setattr(mesh, "_answers", lambda url: answering and url == f"{URL}/health")
        path = tmp_path / "run" / "mesh.json"
        path.parent.mkdir()
        path.write_text(content)
        return path

    return write


def announced(pid):
    return json.dumps({"url": URL, "version": "1", "pids": {"up": pid}})


def test_a_mesh_that_answers_is_found(run_file):
    """By the address in the file."""
    run_file(announced(os.getpid()), answering=True)
    assert mesh.running() == URL


def test_a_file_left_by_a_crash_is_removed(run_file):
    """Its process is gone and nobody answers: the next command does not have to wait for it."""
    path = run_file(announced(NOBODY), answering=False)
    assert mesh.running() is None
    assert not path.exists()


def test_the_file_of_a_mesh_that_is_busy_is_kept(run_file):
    """Its process lives, it only does not answer now."""
    path = run_file(announced(os.getpid()), answering=False)
    assert mesh.running() is None
    assert path.exists()


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"url": 1, "pids": {}}', '{"url": "x", "pids": {"up": "y"}}'])
def test_a_damaged_file_is_no_mesh(run_file, content):
    """A disk that was full must not break every command."""
    run_file(content, answering=True)
    assert mesh.running() is None


def test_no_file_is_no_mesh(monkeypatch, tmp_path):
    """The usual case."""
    monkeypatch.setenv("PITCALL_HOME", str(tmp_path))
    assert mesh.running() is None


def test_a_second_mesh_keeps_its_file_when_the_first_ends(run_file):
    """The file belongs to who wrote it last."""
    path = run_file(announced(NOBODY), answering=True)
    mesh._remove_run_file()
    assert path.exists()
    mesh._write_run_file({"url": URL, "pids": {"up": os.getpid()}})
    mesh._remove_run_file()
    assert not path.exists()


def test_services_that_are_not_installed_are_named(monkeypatch):
    """``pip install pitcall[cli]`` has the command and no service."""
    monkeypatch.setattr(mesh, "entry_points", lambda **_: [])
    with pytest.raises(PitcallError, match=r"not installed: sim-worker, .*pip install 'pitcall\[all\]'"):
        mesh.Mesh(lambda line: None)


def test_a_port_of_the_platform_is_not_handed_to_all_three(monkeypatch):
    """Each service takes PORT for its own."""
    monkeypatch.setenv("PORT", "9999")
    environment = mesh.Mesh(lambda line: None)._environment()
    assert "PORT" not in environment
    ports = {environment[f"PITCALL_{name}_PORT"] for name in ("ORCHESTRATOR", "MODEL", "SIM")}
    assert len(ports - {"9999"}) == 3


@pytest.mark.parametrize(
    ("host", "link"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")],  # noqa: S104
)
def test_the_printed_address_can_be_opened(host, link):
    """0.0.0.0 is a place to listen, not one to go to; IPv6 needs brackets."""
    assert mesh._link_host(host) == link


@pytest.fixture
def documents(monkeypatch):
    """A mesh of no processes, what it says, and what ``/ready`` tells of the documents, one answer a look."""

    def begin(*answers):
        told = iter(answers)
        monkeypatch.setattr(httpx, "get", lambda *_, **__: httpx.Response(200, json=next(told)))
        said: list[str] = []
        return mesh.Mesh(said.append), said

    return begin


def test_an_answer_that_may_cite_waits_for_the_documents(documents):
    """Until the orchestrator says that they are there."""
    started, said = documents({}, {"knowledge": False}, {"knowledge": True})
    started.wait_documents(timeout_s=60.0)
    assert [line.rpartition(" after ")[0] for line in said] == ["the documents are there"]


def test_nobody_waits_for_ever_for_documents_that_do_not_come(documents):
    """The answer then comes without sources, and that is said."""
    started, said = documents({"knowledge": False})
    started.wait_documents(timeout_s=-1.0)
    assert said == ["the documents are not there after -1 s: the answer may come without sources"]
