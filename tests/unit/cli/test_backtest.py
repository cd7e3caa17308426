"""The command line of the backtest."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from pitcall.cli.__main__ import app
from pitcall.cli.backtest import spread
from pitcall.cli.output import ExitCode
from tests.unit.cli.synthetic_laps import table

pytestmark = [pytest.mark.unit, pytest.mark.timeout(600)]  # compiles the kernel and its twin


class TestSpread:
    @pytest.mark.parametrize(
        ("given", "meant"),
        [
            ("t --train a b --json", "t --train a --train b --json"),
            ("--train a b --train c", "--train a --train b --train c"),
            ("--leave-one-season-out a b c --paths 64", "--leave-one-season-out a --leave-one-season-out b "
             "--leave-one-season-out c --paths 64"),
            ("--train=a b", "--train=a --train b"),
            ("t u --json", "t u --json"),
            ("t --json --train", "t --json --train"),
            ("--train --json", "--train --json"),
        ],
    )  # fmt: skip
    def test_an_option_takes_every_path_up_to_the_next(self, given, meant):
        """``--train a b`` is ``--train a --train b``; all else stays."""
        assert " ".join(spread(given.split())) == meant


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file a season, two races each."""
    folder = tmp_path_factory.mktemp("laps")
    return [table(folder / f"{season}.parquet", season, (1, 2)) for season in (2018, 2019)]


def run(*args):
    return CliRunner().invoke(app, ["backtest", *args])


class TestWrongCommand:
    @pytest.mark.parametrize(
        ("args", "message"),
        [
            ([], "nothing to forecast: give TEST files and --train, or --leave-one-season-out FILES"),
            (["0"], "nothing to learn from: give lap tables of other races with --train"),
            (["0", "--leave-one-season-out", "1"], "give no TEST and no --train"),
            (["0", "--train", "1", "0"], "2018.parquet is both in TEST and in --train"),
            (["0", "0", "--train", "1"], "2018.parquet is given twice in TEST"),
            (["--leave-one-season-out", "0"], "at least two, and there is only 2018"),
        ],
    )
    def test_says_what_to_do(self, files, args, message):
        """One sentence, exit code 2, nothing on stdout."""
        result = run(*(files[int(arg)] if arg in "01" else arg for arg in args))
        assert result.exit_code == ExitCode.USAGE
        assert message in result.stderr.replace("\n", " ")
        assert result.stdout == ""

    def test_a_race_in_two_files_is_found(self, files, tmp_path):
        """Even if the files have other names."""
        copy = table(tmp_path / "copy.parquet", 2018, (2,))
        result = run(files[0], "--train", copy)
        assert result.exit_code == ExitCode.USAGE
        assert "race 2018-02 is both to be forecast and to be learned from" in result.stderr

    def test_a_list_without_a_path_is_refused(self):
        """By the parser."""
        assert run("--train").exit_code == ExitCode.USAGE

    def test_a_missing_file_is_named(self, files):
        """And the exit code is that of what does not exist."""
        result = run("nowhere.parquet", "--train", files[0])
        assert result.exit_code == ExitCode.NOT_FOUND
        assert "no file nowhere.parquet" in result.stderr


@pytest.fixture(scope="module")
def model(files, tmp_path_factory):
    """Learned from 2018."""
    folder = tmp_path_factory.mktemp("model")
    result = CliRunner().invoke(app, ["fit", files[0], "--members", "1", "--out", str(folder)])
    assert result.exit_code == 0, result.stderr
    return str(folder)


@pytest.fixture(scope="module")
def told(files, model):
    """2019 forecast by 2018."""
    result = run(files[1], "--train", files[0], "--model", model, "--paths", "64", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


class TestReport:
    def test_has_our_scores_on_top_and_the_baselines_beside_them(self, told):
        """The same keys for each."""
        scores = {"cars_scored", "rps", "rps_finishers", "mae_rank", "log_loss", "rps_by_fraction"}
        assert scores <= told.keys()
        assert told["transition"].keys() == told["pairwise"].keys() == scores
        assert told["cars_scored"] == told["pairwise"]["cars_scored"] > 80

    def test_has_differences_with_intervals(self, told):
        """Ours less each baseline."""
        assert told["difference"].keys() == {"transition", "pairwise"}
        found = told["difference"]["transition"]["rps"]
        assert found["low"] <= found["mean"] <= found["high"]
        assert found["mean"] == pytest.approx(told["rps"] - told["transition"]["rps"], abs=1e-5)

    def test_has_the_tiers(self, told):
        """Laps, where cars rejoin, when others stop, events and agreement."""
        assert told["tiers"].keys() == {"laps", "rejoin", "stops", "events", "agreement"}
        assert told["tiers"]["events"].keys() == {"safety_car", "vsc", "red", "retired"}
        assert told["tiers"]["agreement"].keys() == {"all", "green", "neutralised", "given"}

    def test_is_the_same_every_time(self, files, told):
        """Same files, same figures, whether the model is given or fitted on the way."""
        again = run(files[1], "--train", files[0], "--members", "1", "--paths", "64", "--json")
        assert json.loads(again.stdout) == told

    def test_a_model_that_has_seen_the_season_is_refused(self, files, model):
        """A forecast of what was learned says nothing."""
        result = run(files[0], "--train", files[1], "--model", model)
        assert result.exit_code == ExitCode.USAGE
        assert "was fitted on races of 2018, which is to be forecast" in result.stderr

    def test_a_model_is_not_searched_again(self, files, model):
        """It is fitted already."""
        result = run(files[1], "--train", files[0], "--model", model, "--tune", "24")
        assert result.exit_code == ExitCode.USAGE
        assert "give --tune to `pitcall fit`" in result.stderr.replace("\n", " ")

    def test_does_without_form_and_tiers(self, files, model, told, tmp_path):
        """The finish alone; what earlier races said of the cars no longer counts; the page names both."""
        page = tmp_path / "skill.md"
        args = (files[1], "--train", files[0], "--paths", "64", "--skip", "tiers", "--json")
        finish = json.loads(run(*args, "--model", model).stdout)
        assert finish == told | {"tiers": {}}
        result = run(*args, "--members", "0", "--skip", "form", "--write", str(page))
        assert result.exit_code == 0, result.stderr
        without = json.loads(result.stdout)
        assert without["transition"] == told["transition"]
        assert without["rps"] != told["rps"]
        assert "--members 0 --skip form --skip tiers --write skill.md`" in page.read_text()

    def test_leaves_each_season_out(self, files):
        """Each season's scores, and their mean."""
        told = json.loads(run("--leave-one-season-out", *files, "--members", "0", "--paths", "64", "--json").stdout)
        assert told["seasons"].keys() == {"2018", "2019"}
        mean = np.mean([season["rps"] for season in told["seasons"].values()])
        assert told["mean_of_seasons"]["rps"] == pytest.approx(mean, abs=1e-5)

    def test_writes_a_section_of_a_page(self, files, model, tmp_path):
        """What was on the page stays, the section is replaced, the command names no folder, the plot is there."""
        page = tmp_path / "skill.md"
        page.write_text("# How good?\n\nHead.\n\n## Another split\nkept\n")
        for _ in range(2):
            result = run(files[1], "--train", files[0], "--model", model, "--paths", "64", "--write", str(page))
            assert result.exit_code == 0, result.stderr
        text = page.read_text()
        assert text.startswith("# How good?\n\nHead.\n\n## Another split\nkept\n")
        assert text.count("## 2019 (2 races), learned from 2018 (2 races)") == 1
        assert "`pitcall backtest 2019.parquet --train 2018.parquet --write skill.md`" in text
        plot = tmp_path / "skill-2019-learned-from-2018.svg"
        assert f"]({plot.name})" in text
        assert plot.read_text().startswith("<?xml")
