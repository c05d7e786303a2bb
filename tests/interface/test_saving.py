"""What a folder of results holds."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cbhi
from cbhi import saving
from cbhi.published import published_table
from cbhi.results import Results
from cbhi.saving import FILES, save_results


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate("rwanda-rules", households=300, replicates=2, seed=5)


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_results(results, tmp_path_factory.mktemp("saved") / "new" / "folder", record={"extra": 1})


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_all_files_are_there_and_nothing_else(folder: Path) -> None:
    assert names(folder) == set(FILES)
    assert all((folder / name).stat().st_size > 0 for name in FILES)


@pytest.mark.parametrize(
    ("file", "every", "by"),
    [
        ("yearly.csv", "year", "all"),
        ("monthly.csv", "month", "all"),
        ("quintiles.csv", "year", "quintile"),
    ],
)
def test_tables_are_the_frames(results: Results, folder: Path, file: str, every: Any, by: Any) -> None:
    read = pd.read_csv(folder / file, dtype={"period": str})
    assert_frame_equal(read, results.to_frame(every=every, by=by), check_dtype=False, rtol=1e-12)


def test_quintiles_add_up_to_everybody(results: Results) -> None:
    by_quintile = results.values("contributions_rwf", by="quintile")
    assert by_quintile.shape[2] == 5
    everybody = results.values("contributions_rwf")[..., 0]
    assert everybody.sum() > 0
    assert by_quintile.sum(axis=2) == pytest.approx(everybody)


def test_districts_are_means_over_replicates(results: Results, folder: Path) -> None:
    read = pd.read_csv(folder / "districts.csv", dtype={"period": str})
    one = read[(read["variable"] == "persons") & (read["period"] == "2008")]
    wanted = results.values("persons", by="district")[:, [p[0] for p in results.periods].index("2008")]
    assert list(one["value"]) == pytest.approx(list(wanted.mean(axis=0)))
    assert set(read["replicate"]) == {"mean"}


def test_flows_published_and_parameters(results: Results, folder: Path) -> None:
    flows = pd.read_csv(folder / "flows.csv", dtype={"period": str})
    assert_frame_equal(flows, results.flows_frame(), check_dtype=False, rtol=1e-12)
    published = pd.read_csv(folder / "published.csv", dtype={"period": str, "within_2_sd": "boolean"})
    assert_frame_equal(published, published_table(results), check_dtype=False, rtol=1e-12)
    parameters = pd.read_csv(folder / "parameters.csv")
    assert list(parameters["key"]) == [row["key"] for row in results.scenario.provenance()]


def test_the_run_record(results: Results, folder: Path) -> None:
    record = read_json(folder / "run.json")
    assert record["fingerprint"] == results.scenario.fingerprint()
    assert (record["seed"], record["households"], record["replicates"]) == (5, 300, 2)
    assert (record["start"], record["end"]) == ("1999-07", "2012-06")
    assert record["versions"]["cbhi"] == cbhi.__version__
    assert all(record["versions"][name] for name in ("python", "numpy", "numba", "pandas"))
    assert record["extra"] == 1
    assert record["picture"] == "coverage.png"
    parameters = pd.read_csv(folder / "parameters.csv")
    assert record["parameters_by_confidence"] == parameters["confidence"].value_counts().to_dict()
    weak = parameters[parameters["confidence"].isin(["recalled", "assumption"])]
    assert record["parameters_recalled_or_assumed"] == list(weak["key"])
    assert read_json(folder / "scenario.json") == json.loads(json.dumps(results.scenario.as_dict()))


def test_the_picture_is_a_png(folder: Path) -> None:
    assert (folder / "coverage.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_results_save_does_the_same(results: Results, folder: Path, tmp_path: Path) -> None:
    saved = results.save(str(tmp_path / "x"))
    assert saved == tmp_path / "x"
    assert names(saved) == set(FILES)
    for file in ("yearly.csv", "scenario.json", "flows.csv"):
        assert (saved / file).read_bytes() == (folder / file).read_bytes()
    assert set(read_json(folder / "run.json")) - set(read_json(saved / "run.json")) == {"extra"}


def test_a_second_run_replaces_the_first_and_leaves_other_files(results: Results, tmp_path: Path) -> None:
    save_results(results, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    nowhere = dataclasses.replace(results.scenario, country="", name="Nowhere")
    save_results(dataclasses.replace(results, scenario=nowhere), tmp_path)
    assert names(tmp_path) == {*FILES, "notes.txt"} - {"published.csv"}
    assert set(pd.read_csv(tmp_path / "yearly.csv")["scenario"]) == {"Nowhere"}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_failure_leaves_what_was_there(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "yearly.csv").write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(saving, "_write_json", full)
    with pytest.raises(OSError, match=r"cannot be written to '.*': No space left on device") as caught:
        save_results(results, tmp_path)
    assert caught.value.errno == 28
    assert names(tmp_path) == {"yearly.csv"}
    assert (tmp_path / "yearly.csv").read_text() == "old"


def test_a_folder_that_cannot_be_made(results: Results, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(OSError, match=r"results cannot be written to '.*file"):
            save_results(results, place)
    assert names(tmp_path) == {"file"}
    assert file.read_text() == "mine"


def test_without_matplotlib_all_else_is_written(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    save_results(results, tmp_path)
    assert names(tmp_path) == set(FILES) - {"coverage.png"}
    assert "pip install 'cbhi[plot]'" in read_json(tmp_path / "run.json")["picture"]


def test_another_missing_module_is_not_taken_for_matplotlib(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Results) -> None:
        raise ModuleNotFoundError("No module named 'dateutil'", name="dateutil")

    monkeypatch.setattr(saving, "plot_headline", broken)
    with pytest.raises(ModuleNotFoundError, match="dateutil"):
        save_results(results, tmp_path)
    assert names(tmp_path) == set()
