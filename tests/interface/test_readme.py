"""The README's commands, its scenario and the CI script are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cbhi

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_two_commands_are_self_sufficient() -> None:
    run, test = blocks("")[0].strip().splitlines()
    setup = "python3 -m venv .venv && .venv/bin/pip install -e '.[all,test]' && .venv/bin/"
    assert run == f"{setup}cbhi run rwanda"
    assert test == f"{setup}pytest"


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r"grep -m1 -E '(.*)' README.md", script)
    assert pattern is not None
    found = [line for line in README.splitlines() if re.search(pattern[1], line)]
    assert found[:1] == [blocks("")[0].strip().splitlines()[1]]


def test_the_scenario_of_the_readme_is_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(blocks("toml")[0], encoding="utf-8")
    scenario = cbhi.scenario(tmp_path / "mine.toml")
    assert scenario.values["care.seek_price"] == cbhi.scenario("rwanda").values["care.seek_price"]
    results = cbhi.simulate(scenario, households=300, seed=1, survey=0)
    slots = dict(zip(results.period_labels(), results.values("subsidised_share")[0, :, 0], strict=True))
    assert slots["2008"] > 0.1
    assert slots["2009"] == 0


def test_no_fitted_row_is_missing_from_the_table_of_trust() -> None:
    table = README.split("<!-- begin: trust -->")[1].split("<!-- end: trust -->")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == len(cbhi.datasets.fit_rows("rwanda"))
    misses = sum("**no**" in row for row in rows)
    told = re.search(r"(\d+) of (\d+) fitted figures", table)
    assert told is not None
    assert int(told[1]) == len(rows) - misses


@pytest.mark.parametrize("key", ["care.copayment_rwf=0"])
def test_keys_named_in_the_readme_exist(key: str) -> None:
    assert key in README
    assert cbhi.scenario("rwanda").replace({key.split("=")[0]: 0})
