"""The command ``cbhi household``: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

import cbhi
from cbhi.cli import main
from cbhi.family.files import FILES
from cbhi.family.search import EVENTS

SMALL = ("rwanda-rules", "--households", "150", "--until", "2004-12", "--set", "switches.rollout=false")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["household", *arguments])


def followed(**asked: object) -> cbhi.Family:
    base = cbhi.scenario("rwanda-rules").replace({"switches.rollout": False}, end="2004-12")
    return cbhi.household(base, households=150, **asked)  # type: ignore[arg-type]


def test_who_it_is_its_account_and_its_decisions_are_printed() -> None:
    done = call(*SMALL, "--find", "joins", "--quintile", "2")
    assert done.exit_code == 0, done.output
    mine = followed(find="joins", pick={"quintile": 2})
    parts = [str(mine.summary()), mine.story(), *map(str, mine.decisions())]
    assert done.stdout == "\n\n".join(parts) + "\n"
    assert max(map(len, done.stdout.splitlines())) <= 100
    assert "simulating: 100 %" in done.stderr
    assert list(Path().iterdir()) == []


def test_a_span_every_month() -> None:
    done = call(*SMALL, "--from", "2001-03", "--to", "2001-12", "--all", "--section", "202", "--number", "7")
    assert done.exit_code == 0, done.output
    months = [line[:7] for line in done.stdout.splitlines() if line[7:13] == "  cash"]
    assert months == [f"2001-{month:02d}" for month in range(3, 13)]
    assert "7 of section 202" in done.stdout


def test_what_is_written_and_what_json_says() -> None:
    done = call(*SMALL, "--find", "lapses", "-o", "out/f")
    assert done.exit_code == 0, done.output
    assert done.stdout.endswith("\nwritten to out/f\n")
    assert {path.name for path in Path("out/f").iterdir()} == set(FILES)
    told = call(*SMALL, "--find", "lapses", "--json")
    assert json.loads(told.stdout) == json.loads(Path("out/f/family.json").read_text(encoding="utf-8"))
    months = pd.read_csv("out/f/months.csv")
    assert (months["cash_end"] == followed(find="lapses").months["cash_end"]).all()
    assert call(*SMALL, "--find", "lapses", "-q").output == ""


def test_traits_of_the_options_are_those_of_python() -> None:
    done = call(*SMALL, "--category", "poorest", "--size", "4", "--no-chronic", "--no-group", "--json")
    assert done.exit_code == 0, done.output
    who = json.loads(done.stdout)["who"]
    assert (who["category"], who["persons"], who["association"]) == ("poorest", 4, None)
    pick = {"category": "poorest", "size": 4, "chronic": False, "in_group": False}
    assert who == followed(pick=pick).who


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--find", "borow"), "unknown event 'borow'; did you mean 'borrows'?"),
        (("--quintile", "6"), "6 is not in the range 1<=x<=5"),
        (("--category", "poor"), "'poor' is not one of 'poorest', 'middle', 'rich'"),
        (("--number", "3"), "number = 3 needs a section"),
        (("--section", "1"), "section 1 is not simulated with 150 households; simulated: 202"),
        (("--section", "202", "--number", "150"), "those of the start are numbered 0 to 149"),
        (("--section", "202", "--number", "1", "--size", "4"), "number = 1 names one family"),
        (("--from", "2010-01"), "the first month, 2010-01, is outside 1999-07 to 2004-12"),
        (("--from", "2003"), "'2003' is not a month but a year"),
        (("--find", "borrows", "--find", "stays-out"), "no family of the start fits"),
        (("--set", "care.copaymnt_rwf=0"), "did you mean 'care.copayment_rwf'?"),
        (("--households", "0"), "'0' is not a whole number"),
        (("-o", ""), "the output folder has no name"),
    ],
)
def test_bad_input(arguments: tuple[str, ...], said: str) -> None:
    done = call(*SMALL, *arguments, "-q") if "-o" in arguments else call(*SMALL, "-o", "o", *arguments, "-q")
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.stderr.split())
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert list(Path().iterdir()) == []


def test_an_unknown_scenario() -> None:
    done = call("rwand")
    assert done.exit_code == 2
    assert "did you mean 'rwanda'?" in done.stderr


def test_the_help_names_every_event() -> None:
    said = " ".join(call("--help").stdout.replace(",", " ").replace(".", " ").split())
    for event in EVENTS:
        assert f" {event} " in said, event
