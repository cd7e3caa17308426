"""The reference pages say what the code does. On a mismatch the message holds the lines to paste."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pitcall_model_server.settings
import pitcall_orchestrator.settings
import pitcall_sim_worker.settings
import pytest
import typer
from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from pitcall import errors
from pitcall.adapters.knowledge.settings import KnowledgeSettings
from pitcall.adapters.objects import StorageSettings
from pitcall.cli import output
from pitcall.cli.__main__ import app

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"

SERVICES: dict[str, type[BaseSettings]] = {
    "Orchestrator": pitcall_orchestrator.settings.Settings,
    "Model server": pitcall_model_server.settings.Settings,
    "Sim worker": pitcall_sim_worker.settings.Settings,
    "Object stores": StorageSettings,
    "Retrieval": KnowledgeSettings,
}


def section(page: str, heading: str) -> str:
    """The text under a ``##`` heading of a reference page."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", (REFERENCE / page).read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"docs/reference/{page} has no heading '## {heading}'"
    return found[1]


def assert_table(page: str, heading: str, rows: list[str]) -> None:
    there = [line for line in section(page, heading).splitlines() if line.startswith("| `")]
    assert there == rows, f"docs/reference/{page}, '## {heading}' should hold these rows:\n" + "\n".join(rows)


def commands(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def option_row(option: Any) -> str:
    name = option.opts[0] if option.param_type_name == "option" else (option.metavar or option.name.upper())
    default = option.show_default if isinstance(option.show_default, str) else option.default
    if option.required:
        default = "required"
    elif default is None or default is False:
        default = ""
    return f"| `{name}` | {default} | {option.help} |"


COMMANDS = dict(commands(typer.main.get_command(app), "pitcall"))


class TestCommands:
    @pytest.mark.parametrize("name", COMMANDS)
    def test_every_option_is_documented(self, name):
        """The page has a section for the command, and a row for each argument and option."""
        options = [option for option in COMMANDS[name].params if option.name != "help"]
        assert_table("cli.md", f"`{name}`", [option_row(option) for option in options])

    def test_no_other_command_is_documented(self):
        """A command that was removed does not live on in the page."""
        headings = re.findall(r"^## `(.*)`$", (REFERENCE / "cli.md").read_text(), re.MULTILINE)
        assert headings == list(COMMANDS)

    def test_every_exit_code_is_documented(self):
        """The table is the one in the code."""
        assert output.__doc__ is not None
        meanings = re.findall(r"^(\d+) +(.*)$", output.__doc__, re.MULTILINE)
        assert [int(code) for code, _ in meanings] == list(output.ExitCode)
        assert_table("cli.md", "Exit codes", [f"| `{code}` | {meaning} |" for code, meaning in meanings])


def setting_row(settings: type[BaseSettings], name: str) -> str:
    field = settings.model_fields[name]
    alias = field.validation_alias
    own = f"{settings.model_config['env_prefix']}{name}".upper()
    names = [str(choice) for choice in alias.choices] if isinstance(alias, AliasChoices) else [own]
    default = "all cores" if field.default_factory else "" if field.default is None else field.default
    if isinstance(default, Path):
        default = "`static/` of the package"
    return f"| {', '.join(f'`{n}`' for n in names)} | {default} | {field.description} |"


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_documented(service):
    """Names in the environment, default and meaning, one row each, in the order of the class."""
    settings = SERVICES[service]
    assert_table("settings.md", service, [setting_row(settings, name) for name in settings.model_fields])


def subclasses(kind: type[errors.PitcallError]) -> Iterator[type[errors.PitcallError]]:
    """The tree, depth first, in the order of the source; classes of other modules are not part of it."""
    yield kind
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from subclasses(child)


class TestErrors:
    def test_the_tree_in_the_docstring_is_the_tree_of_classes(self):
        """Name, HTTP status and gRPC status of each line; the indent is the depth in the tree."""
        assert errors.__doc__ is not None
        drawn = re.findall(r"^([ │├└─]*)(\w+) +(\d{3}) +([A-Z_]+)", errors.__doc__, re.MULTILINE)
        assert [(len(indent) // 4, name, int(http), grpc) for indent, name, http, grpc in drawn] == [
            (len(kind.__mro__) - len(errors.PitcallError.__mro__), kind.__name__, kind.http, kind.grpc)
            for kind in sorted(subclasses(errors.PitcallError), key=lambda kind: errors.__doc__.index(kind.__name__))
        ]

    def test_every_error_is_documented(self):
        """Name, statuses, whether to retry, and its meaning in the words of the class."""
        rows = [
            f"| `{kind.__name__}` | {kind.http} | {kind.grpc} | {'yes' if kind.retryable else 'no'} "
            f"| {(inspect.getdoc(kind) or '').splitlines()[0]} |"
            for kind in subclasses(errors.PitcallError)
        ]
        assert_table("errors.md", "The tree", rows)


PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page):
    """A page that was moved is moved everywhere."""
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text())
    assert [link for link in links if not (page.parent / link).exists()] == []
