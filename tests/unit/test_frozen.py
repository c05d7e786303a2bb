"""Scenarios and results stay what they are; replicates of two engines are not taken for one run."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi import engine
from cbhi.engine import engine_hash, engine_sources
from cbhi.results import Results, select_replicates
from cbhi.scenarios import Event, Scenario
from cbhi.scenarios.frozen import FrozenDict


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate(
        cbhi.scenario("rwanda-rules").replace({}, end="2000-12"), households=60, replicates=3
    )


def test_tables_inside_a_scenario_cannot_be_changed() -> None:
    mine = {"2000-01": 0.4, "2005-01": 0.5}
    change = {"care.copayment_rwf": 100}
    one = Scenario("one", 24000, 24050, {"income.gini": mine}, (Event(24010, change),))
    before = one.fingerprint()
    mine["2000-01"] = 0.1
    change["care.copayment_rwf"] = 5
    assert one.fingerprint() == before
    for table, key in ((one.values["income.gini"], "2000-01"), (one.events[0].changes, "care.copayment_rwf")):
        assert isinstance(table, dict)
        for attempt in (
            lambda t=table, k=key: t.__setitem__(k, 1),
            lambda t=table, k=key: t.__delitem__(k),
            lambda t=table, k=key: t.pop(k),
            lambda t=table: t.popitem(),
            lambda t=table: t.clear(),
            lambda t=table, k=key: t.setdefault(k, 1),
            lambda t=table, k=key: t.update({k: 1}),
            lambda t=table, k=key: t.__ior__({k: 1}),
        ):
            with pytest.raises(TypeError, match=r"scenario\.replace returns a changed copy"):
                attempt()
    assert one.fingerprint() == before


def test_frozen_tables_travel_and_what_is_handed_out_is_the_callers() -> None:
    one = cbhi.scenario("rwanda")
    assert any(isinstance(value, FrozenDict) for value in one.values.values())
    assert pickle.loads(pickle.dumps(one)) == one
    assert copy.deepcopy(one) == one
    assert copy.deepcopy(one.events[0]) == one.events[0]
    before = one.fingerprint()
    plain = one.as_dict()
    json.dumps(plain)
    for key, value in plain["values"].items():
        if isinstance(value, dict):
            value.clear()
            assert one.values[key]
    plain["events"][0]["changes"].clear()
    assert one.fingerprint() == before
    assert {**one.values["population.persons"]} == dict(one.values["population.persons"])


def test_no_array_can_be_written(results: Results, tmp_path: Path) -> None:
    loaded = cbhi.load(results.save(tmp_path))
    for made in (results, loaded, select_replicates(results, {1}), select_replicates(results, {0})
                 + select_replicates(results, {2})):  # fmt: skip
        for name, array in made.arrays._asdict().items():
            assert not array.flags.writeable, name


def other_engine(results: Results) -> Results:
    return dataclasses.replace(results, engine="another")


def test_replicates_of_two_engines_are_not_joined(results: Results, tmp_path: Path) -> None:
    one, other = select_replicates(results, {0}), select_replicates(results, {1})
    assert results.engine == engine_hash()
    assert (one + other).engine == results.engine
    with pytest.raises(ValueError, match="these differ in engine"):
        one + other_engine(other)
    with pytest.raises(ValueError, match="these differ in weight"):
        one + dataclasses.replace(other, weight=2 * other.weight)
    # the engine that computed them is kept, whoever writes them
    back = cbhi.load(other_engine(other).save(tmp_path))
    assert back.engine == "another"
    assert json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["engine"] == "another"
    with pytest.raises(ValueError, match="these differ in engine"):
        one + back
    assert back == other, "the numbers are equal"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"engine": "another"}, "belong to another run: engine another, not "),
        ({"weight": 1.0}, r"belong to another run: real people per simulated one 1\.0, not "),
    ],
)
def test_finished_replicates_of_another_engine(results: Results, change: dict[str, Any], said: str) -> None:
    finished = dataclasses.replace(results, **change)
    with pytest.raises(ValueError, match=said):
        cbhi.simulate(results.scenario, households=60, replicates=4, finished=finished)


def test_joined_results_come_back(results: Results, tmp_path: Path) -> None:
    parts = [select_replicates(results, {n}).save(tmp_path / str(n)) for n in range(3)]
    joined = cbhi.load(parts[2]) + cbhi.load(parts[0]) + cbhi.load(parts[1])
    assert joined == results
    assert cbhi.load(joined.save(tmp_path / "joined")) == results
    results.save(tmp_path / "whole")
    one, other = ((tmp_path / name / "arrays.npz").read_bytes() for name in ("joined", "whole"))
    assert one == other


def test_the_engine_is_what_a_run_imports() -> None:
    package = Path(cbhi.__file__).parent
    names = {path.relative_to(package).as_posix() for path in engine_sources()}
    assert {"simulation.py", "packing.py", "params.py", "months.py", "results.py"} <= names
    assert {"scenarios/core.py", "scenarios/changes.py"} <= names
    assert not {"plots.py", "saving.py", "summary.py", "storage.py"} & names
    assert not any(name.startswith(("cli/", "kernels/")) for name in names)


def test_every_source_decides_the_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = engine_hash.__wrapped__
    before = plain()
    assert before == engine_hash()
    true = Path.read_bytes
    for name in ("core.py", "changes.py", "packing.py"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, "read_bytes", lambda p, n=name: true(p) + (b"#" if p.name == n else b""))
            assert plain() != before, name
    monkeypatch.setattr(engine, "source_hash", lambda: "another")
    assert plain() != before
    monkeypatch.undo()
    monkeypatch.setattr(np, "__version__", "0")
    assert plain() != before
