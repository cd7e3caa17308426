"""What every test can rely on: its own home and environment, and compiled kernels kept between runs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from pitcall.adapters import compiled

# One folder for this process and the services that e2e tests start.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba"))
compiled.use()  # numba reads it when it is first imported

# Most tests bring documents of their own, or none; those of the handbook say that they want it.
os.environ["PITCALL_MODEL_HANDBOOK"] = "false"

# A job started in the background of a script is born deaf to SIGINT, and so would be the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


# The same cases in every run, without a limit on their time: a red is of the change, not of the dice or of a machine
# that stood still. New cases: --hypothesis-profile=new
settings.register_profile("new", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("repeatable", settings.get_profile("new"), derandomize=True)
settings.load_profile("repeatable")

#: Folders whose tests share servers that take long to start.
_ONE_SERVER = ("tests/contract/knowledge/", "tests/contract/objects/")


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """One process runs the tests of a file, and those of a folder with servers: what they share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in _ONE_SERVER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    """Which tests run together, where there are several processes."""
    return _ByFile(config, log)


@pytest.fixture(autouse=True)
def own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test writes to the home of who runs it, and none sees what another one set."""
    before = dict(os.environ)
    os.environ["PITCALL_HOME"] = str(tmp_path_factory.getbasetemp() / "home")
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def data() -> Path:
    """Real timing data, where there is some."""
    folder = os.environ.get("PITCALL_TEST_DATA")
    if not folder:
        pytest.skip("needs real timing data: set PITCALL_TEST_DATA")
    return Path(folder)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests did not run also when it is none; ``-ra`` gives the reasons."""
    skipped = len(terminalreporter.stats.get("skipped", []))
    terminalreporter.write_line(f"tests skipped: {skipped}{' (reasons above)' if skipped else ''}")
