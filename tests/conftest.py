"""What every test can rely on: its own home and environment, and compiled kernels kept between runs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from pitcall.adapters import compiled

# One folder for this process and the services that e2e tests start.
os.environ.setdefault("NUMBA_CACHE_DIR", str(Path(__file__).parents[1] / ".pytest_cache" / "numba"))
compiled.use()  # numba reads it when it is first imported

# Most tests bring documents of their own, or none; those of the handbook say that they want it.
os.environ["PITCALL_MODEL_HANDBOOK"] = "false"

# A job started in the background of a script is born deaf to SIGINT, and so would be the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


#: Folders whose tests share servers that take long to start.
_ONE_SERVER = (Path("contract/knowledge"), Path("contract/objects"))


@pytest.hookimpl(tryfirst=True)  # before xdist writes the groups into the names
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one process run the tests of a file, and those of a folder with servers: what they share is made once."""
    here = Path(__file__).parent
    for item in items:
        file = item.path.relative_to(here)
        group = file.parent if file.parent in _ONE_SERVER else file
        item.add_marker(pytest.mark.xdist_group(str(group)))


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
