"""The command ``cbhi compare``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi.cli import main
from cbhi.cli.variants import split_changes, variant

SMALL = ("--households", "60", "--replicates", "2", "--workers", "1", "--until", "2001-12")
OPEN = ("rwanda-rules", "--set", "switches.rollout=false")
FREE = ("--with", "free: scheme.household_premium_rwf=0")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["compare", *arguments])


def test_a_variant_needs_no_file() -> None:
    done = call(*OPEN, *FREE, *SMALL)
    assert done.exit_code == 0, done.output
    assert "What changes against Rwanda, rules only + switches.rollout=false" in done.stdout
    assert "(2)   free" in done.stdout
    assert "members, %" in done.stdout
    assert "simulating: 100 %" in done.stderr
    assert list(Path().iterdir()) == []


def test_one_variable_by_group_and_json() -> None:
    done = call(*OPEN, *FREE, *SMALL, "--on", "contributions_rwf", "--by", "quintile")
    assert done.exit_code == 0, done.output
    assert done.stdout.count("quintile 5") == 3
    told = call(*OPEN, *FREE, *SMALL, "--on", "contributions_rwf", "--json")
    content = json.loads(told.stdout)
    assert content["scenarios"][1]["name"] == "free"
    assert [row["period"] for row in content["differences"]] == ["1999", "2000", "2001"]
    last = content["differences"][-1]
    assert last["mean"] == pytest.approx(-last["mean_against"])
    # the same numbers as from Python
    base = cbhi.scenario("rwanda-rules").replace({"switches.rollout": False}, end="2001-12")
    free = base.replace({"scheme.household_premium_rwf": 0}, name="free")
    found = cbhi.compare(base, free, households=60, replicates=2).difference("contributions_rwf")
    assert last["mean"] == pytest.approx(float(found.mean[0, -1, 0]))
    assert last["standard_error"] == pytest.approx(float(found.standard_error[0, -1, 0]))


def test_files_and_names_side_by_side_in_a_folder() -> None:
    Path("mine.toml").write_text(
        'name = "Mine"\nbase = "rwanda-rules"\n[care]\ncopayment_rwf = 0\n', encoding="utf-8"
    )
    done = call("rwanda-rules", "mine.toml", *SMALL, "-o", "out/both")
    assert done.exit_code == 0, done.output
    assert "written to out/both" in done.stdout
    made = {path.name for path in Path("out/both").iterdir()}
    assert {"differences.csv", "summary.txt", "comparison.json", "2-mine"} <= made
    assert len(made) == 5
    frame = pd.read_csv("out/both/differences.csv")
    assert set(frame["scenario"]) == {"Mine"}
    assert Path("out/both/summary.txt").read_text(encoding="utf-8").rstrip() in done.stdout


def test_a_tolerance_is_reported() -> None:
    done = call(*OPEN, *FREE, *SMALL, "--tol", "0.0001", "--max-replicates", "4", "--in", "2001")
    assert done.exit_code == 0, done.output
    said = " ".join(done.stdout.split())
    assert "Tolerance 0.0001 [share] on coverage_end_share 2001: NOT met" in said
    assert "4 replicates of 60 households each" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("rwanda",), "there is nothing to compare 'rwanda' with; name a second scenario"),
        (("rwanda", "--set", "care.copayment_rwf=0"), "--set holds for all scenarios"),
        (("rwanda", "rwanda"), "2 scenarios are called 'Rwanda'"),
        (("rwanda", "rwnda"), "did you mean 'rwanda'"),
        (("rwanda", "--with", "care.copay=0"), "did you mean 'care.copayment_rwf'"),
        (("rwanda", "--with", "care.copayment_rwf"), "'care.copayment_rwf' is not KEY=VALUE"),
        (("rwanda", "--with", "care.copayment_rwf=-3"), "is outside 0 to 1000000 [RWF per contact]"),
        (("rwanda", *FREE, "--on", "coverag"), "unknown variable 'coverag'"),
        (("rwanda", *FREE, "--by", "quintile"), "--by quintile needs --on"),
        (("rwanda", *FREE, "--on", "trust", "--by", "quintile"), "'trust' is not kept by quintile"),
        (("rwanda", *FREE, "--in", "2010"), "--in is the year that --tol is about"),
        (("rwanda", *FREE, "--tol", "0"), "tol must be a number above 0"),
        (("rwanda", *FREE, "-o", ""), "the output folder has no name"),
        (
            ("rwanda", "--with", "scheme.calendar='fixed', scheme.year_start_month=7", "--until", "2001-12"),
            "compare by month",
        ),
    ],
)
def test_wrong_input(arguments: tuple[str, ...], said: str) -> None:
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(Path().iterdir()) == []


def test_changes_are_parted_at_commas_outside_brackets() -> None:
    assert split_changes("a=1, b={x=1, y=2},c=[1,2], d='p, q'") == [
        "a=1",
        "b={x=1, y=2}",
        "c=[1,2]",
        "d='p, q'",
    ]
    base = cbhi.scenario("rwanda")
    made = variant(
        base, "cheap, and near: scheme.premium_rwf={poorest=0, middle=1, rich=2}, care.copayment_rwf=5"
    )
    assert made.name == "cheap, and near"
    assert made.regimes()[-1][1].scheme.premium_rwf.rich == 2
    assert made.regimes()[0][1].care.copayment_rwf == 5
    assert variant(base, "care.copayment_rwf=0").name == "Rwanda + care.copayment_rwf=0"


def test_a_stopped_comparison_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from cbhi import simulation

    question = (*OPEN, *FREE, *SMALL, "-o", "out/c")
    run, done = simulation.run_replicate, []

    def stopped(*arguments: Any, **named: Any) -> Any:
        if len(done) == 3:
            raise KeyboardInterrupt
        done.append(arguments)
        return run(*arguments, **named)

    monkeypatch.setattr(simulation, "run_replicate", stopped)
    broken = call(*question)
    assert broken.exit_code == 130, broken.output
    assert "interrupted: 3 finished replicates of 2 scenarios kept in 'out/c'" in broken.stderr
    assert (
        "resume with: cbhi compare rwanda-rules --with 'free: scheme.household_premium_rwf=0'"
        in broken.stderr
    )
    assert broken.stderr.rstrip().endswith("--output out/c --resume")
    assert {path.name for path in Path("out/c").iterdir()} == {".parts"}
    alone = call(*OPEN, *FREE, *SMALL)
    assert alone.exit_code == 130
    assert "nothing was written; with -o FOLDER finished replicates are kept" in alone.stderr

    done.clear()
    again = call(*question, "--resume")
    assert again.exit_code == 0, again.output
    assert "3 finished replicates found in 'out/c'" in again.stderr
    assert len(done) == 1
    monkeypatch.setattr(simulation, "run_replicate", run)
    whole = call(*OPEN, *FREE, *SMALL, "-o", "out/d")
    assert whole.exit_code == 0
    for name in ("differences.csv", "summary.txt", "1-rwanda-rules-only-switches-rollout-false/yearly.csv"):
        assert Path("out/c", name).read_bytes() == Path("out/d", name).read_bytes()
    assert not list(Path("out/c").glob(".*"))


def test_a_finished_comparison_is_added_to(monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(*OPEN, *FREE, *SMALL, "-o", "out/c").exit_code == 0
    more = [word if word != "2" else "3" for word in SMALL]
    done = call(*OPEN, *FREE, *more, "-o", "out/c", "--resume")
    assert done.exit_code == 0, done.output
    assert "4 finished replicates found" in done.stderr
    found = cbhi.load("out/c")
    assert found.results[0].n_replicates == 3
    other = call(*OPEN, *FREE, *more, "--seed", "2", "-o", "out/c", "--resume")
    assert "nothing to resume in 'out/c'" in other.stderr
    said = call(*OPEN, *FREE, *SMALL, "--resume")
    assert said.exit_code == 2
    assert "--resume needs -o" in said.stderr


def test_interviews_are_kept_where_they_can_be_read() -> None:
    assert call(*OPEN, *FREE, *SMALL, "-o", "out/c").exit_code == 0
    assert (cbhi.load("out/c").results[0].arrays.interviews["month"] > 0).any()
