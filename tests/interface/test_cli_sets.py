"""The commands with a scenario that carries parameter sets."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi.cli import main
from cbhi.cli import options as cli_options

KEYS = ("enrolment.inertia", "observation.overcount_share")
VALUES = np.array([[0.2, 0.0], [1.4, 0.1], [3.0, 0.2]])
MINE = """
name = "three sets"
base = "rwanda"
from = 2006-01-01
to = 2008-12-31
parameter_sets = "sets.csv"

[switches]
rollout = false
"""
SIZE = ("--households", "100", "--seed", "3")


@pytest.fixture(autouse=True)
def _a_scenario(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cbhi.ParameterSets(KEYS, VALUES, {"source": "made up"}).write("sets.csv")
    Path("mine.toml").write_text(MINE, encoding="utf-8")


def call(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result


def test_a_run_uses_the_sets_and_says_so() -> None:
    call("run", "mine.toml", *SIZE, "--replicates", "6", "-o", "out", "-q")
    told = json.loads(call("run", "mine.toml", *SIZE, "--replicates", "6", "-o", "out", "--json").stdout)
    assert told["n_param_sets"] == 3
    assert told["spread"] == "parameters and chance (3 parameter sets)"
    results = cbhi.load("out")
    wanted = results.uncertainty("coverage_end_share").set_index("period")["share_parameters"]
    rows = {row["period"]: row for row in told["yearly"] if row["variable"] == "coverage_end_share"}
    for period, share in wanted.items():
        assert rows[period]["parameters"]["share"] == pytest.approx(share)
    record = json.loads(Path("out/run.json").read_text(encoding="utf-8"))
    assert record["param_sets"] == [0, 0, 1, 1, 2, 2]
    printed = " ".join(call("run", "mine.toml", *SIZE, "--replicates", "6", "-o", "out").stdout.split())
    assert "5-95 %: parameters and chance, the spread of 6 runs with 3 parameter sets" in printed
    assert "Parameters' share of the variance in 2008" in printed


def test_point_leaves_the_sets_out() -> None:
    told = json.loads(
        call("run", "mine.toml", *SIZE, "--replicates", "2", "--point", "-o", "out", "--json").stdout
    )
    assert told["n_param_sets"] == 1
    assert told["spread"] == "chance alone"
    assert all(row["parameters"] is None for row in told["yearly"])
    assert cbhi.load("out").scenario == cbhi.scenario("mine.toml").at_point()


def test_finished_replicates_of_the_same_sets_are_taken_over() -> None:
    call("run", "mine.toml", *SIZE, "--replicates", "3", "-o", "out", "-q")
    again = call("run", "mine.toml", *SIZE, "--replicates", "5", "-o", "out", "--resume")
    assert "3 finished replicates found" in again.stderr
    whole = cbhi.simulate("mine.toml", households=100, seed=3, replicates=5)
    assert cbhi.load("out") == whole
    refused = CliRunner().invoke(
        main, ["run", "mine.toml", *SIZE, "--replicates", "5", "-o", "out", "--resume", "--point"]
    )
    assert refused.exit_code == 2
    assert "holds finished replicates of another run only" in refused.stderr
    assert "parameter sets are 3 (" in refused.stderr
    assert "there, none here" in refused.stderr


def test_sizes_that_nobody_asked_for_suit_the_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_options, "HOUSEHOLDS_WITH_SETS", 60)
    monkeypatch.setattr(cli_options, "REPLICATES_WITH_SETS", 4)
    call("run", "mine.toml", "-o", "out", "-q")
    found = cbhi.load("out")
    assert isinstance(found, cbhi.Results)
    assert (found.households, found.n_replicates) == (60, 4)
    call("run", "mine.toml", "--replicates", "2", "-o", "two", "-q")
    assert cbhi.load("two").n_replicates == 2  # type: ignore[union-attr]


def test_a_run_is_as_long_as_its_precision_asks() -> None:
    words = ("--replicates", "4", "--tol", "1e-9", "--max-replicates", "6", "--in", "2007", "-o", "out")
    told = json.loads(call("run", "mine.toml", *SIZE, *words, "--json").stdout)
    assert told["replicates"] == 6
    assert told["tolerance"]["met"] is False
    assert told["tolerance"]["period"] == "2007"
    printed = call("run", "mine.toml", *SIZE, *words, "--tol", "10").stdout
    assert "met after 4 replicates" in " ".join(printed.split())
    refused = CliRunner().invoke(main, ["run", "mine.toml", *SIZE, "--in", "2007"])
    assert refused.exit_code == 2
    assert "--in is the year that --tol is about" in refused.stderr


def test_variants_share_the_sets_of_what_they_vary() -> None:
    told = json.loads(
        call(
            "compare", "mine.toml", "--with", "free: care.copayment_rwf=0", *SIZE, "--replicates", "6",
            "--on", "coverage_end_share", "--json",
        ).stdout
    )  # fmt: skip
    assert told["n_param_sets"] == 3
    shares = [row["share_parameters"] for row in told["differences"] if row["share_parameters"] is not None]
    assert shares
    assert all(0.0 <= share <= 1.0 for share in shares)
    point = json.loads(
        call(
            "compare", "mine.toml", "--with", "free: care.copayment_rwf=0", *SIZE, "--replicates", "2",
            "--on", "coverage_end_share", "--json", "--point",
        ).stdout
    )  # fmt: skip
    assert point["n_param_sets"] == 1
    assert "share_parameters" not in point["differences"][0]


def test_a_scenario_without_sets_is_compared_at_the_point_only() -> None:
    Path("other.toml").write_text('base = "mine.toml"\nparameter_sets = "none"\n', encoding="utf-8")
    words = ["compare", "mine.toml", "other.toml", *SIZE, "--replicates", "2"]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 2
    assert "'three sets' carries parameter sets, and 'other' carries none" in refused.stderr
    assert "--point" in refused.stderr
    call(*words, "--point", "-q")
