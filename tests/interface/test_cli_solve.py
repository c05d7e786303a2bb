"""The command ``cbhi solve``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi.cli import main

SMALL = ("--households", "60", "--replicates", "2", "--workers", "1", "--until", "2001-12")
OPEN = ("rwanda-rules", "--set", "switches.rollout=false")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["solve", *arguments])


def test_a_goal_that_is_reached() -> None:
    question = (
        *OPEN,
        "--vary",
        "premium",
        "--goal",
        "contributions_rwf>=1.2e9",
        "--in",
        "2001",
        "--probability",
        "1",
    )
    done = call(*question, *SMALL, "-o", "out/s")
    assert done.exit_code == 0, done.output
    assert "solution" in done.stdout
    assert "written to out/s" in done.stdout
    record = json.loads(Path("out/s/solution.json").read_text(encoding="utf-8"))
    told = call(*question, *SMALL, "--json")
    assert json.loads(told.stdout) == record
    base = cbhi.scenario("rwanda-rules").replace({"switches.rollout": False}, end="2001-12")
    found = cbhi.solve(
        base,
        "premium",
        goal="contributions_rwf>=1.2e9",
        period="2001",
        probability=1,
        households=60,
        replicates=2,
    )
    assert record["value"] == found.value
    assert record["share_met"] == 1.0


def test_a_goal_out_of_reach_ends_with_1_and_says_why() -> None:
    done = call(
        *OPEN, "--vary", "premium", "--goal", "coverage_end_share>=0.999", *SMALL, "--low", "1", "--high", "2"
    )
    assert done.exit_code == 1, done.output
    said = " ".join(done.stdout.split())
    assert "not reached by any premium from 1.000 to 2.000" in said
    assert "What binds is" in said
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--vary", "premiun", "--goal", "balance"), "unknown parameter 'premiun'; did you mean 'premium'?"),
        (("--vary", "scheme.calendar", "--goal", "balance"), "scheme.calendar cannot be solved for"),
        (("--vary", "premium", "--goal", "coverage_end_shar>=0.9"), "did you mean 'coverage_end_share'?"),
        (("--vary", "premium", "--goal", "coverage_end_share>=90"), "90 % is written 0.9"),
        (("--vary", "premium", "--goal", "balance", "--in", "2050"), "period '2050' is no reporting year"),
        (("--vary", "premium", "--goal", "balance", "--probability", "90"), "must be above 0 and at most 1"),
        (
            ("--vary", "premium", "--goal", "balance", "--low", "2", "--high", "1"),
            "low = 2 must be below high = 1",
        ),
        (("--vary", "premium", "--goal", "balance", "-o", ""), "the output folder has no name"),
    ],
)
def test_wrong_input(arguments: tuple[str, ...], said: str) -> None:
    done = call("rwanda", *arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(Path().iterdir()) == []


def test_what_is_missing_is_named() -> None:
    assert "Missing option '--vary'" in call("rwanda", "--goal", "balance").stderr
    assert "Missing option '--goal'" in call("rwanda", "--vary", "premium").stderr


def test_the_examples_of_the_help_can_be_asked() -> None:
    import shlex

    from cbhi.solving import check_question

    said = CliRunner().invoke(main, ["solve", "--help"]).stdout
    lines = [line.strip() for line in said.splitlines() if line.strip().startswith("cbhi solve ")]
    assert len(lines) == 3
    for line in lines:
        words = shlex.split(line)[2:]
        given = dict(zip(words[1::2], words[2::2], strict=True))
        chosen = cbhi.scenario(words[0])
        if "--set" in given:
            key, _, value = given["--set"].partition("=")
            chosen = chosen.replace({key: float(value)})
        low, high = (float(given[end]) if end in given else None for end in ("--low", "--high"))
        question = check_question(chosen, given["--vary"], given["--goal"], low, high, given["--in"], 0.9)
        assert question.ends[0] < question.ends[1]
    assert "--goal balance --in 2009" in said
