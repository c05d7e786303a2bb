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
from cbhi.accounts import ACCOUNT_COLUMNS, RESOURCE_COLUMNS
from cbhi.kernels.codes import SECTORS
from cbhi.published import published_table
from cbhi.results import Results
from cbhi.saving import FILES, save_results

LENDER_COLUMNS = (
    "replicate", "period", "months", "money_rwf", "loans_rwf", "deposits_rwf", "borrowing_rwf", "equity_rwf",
    "lent_rwf", "written_off_rwf", "loss_share", "late_share", "break_even_rate", "interest_rate",
)  # fmt: skip
NUMBERS_ONLY = {"value": [""], "loss_share": [""], "late_share": [""], "break_even_rate": [""]}


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


def test_partners_files_are_the_frames(results: Results, folder: Path) -> None:
    for file, frame, columns in (
        ("accounts.csv", results.accounts_frame(), ACCOUNT_COLUMNS),
        ("resources.csv", results.resources_frame(), RESOURCE_COLUMNS),
        ("lenders.csv", results.lender_frame(), LENDER_COLUMNS),
    ):
        # an opening and a closing have no counterpart: an empty cell, not a missing value
        read = pd.read_csv(
            folder / file, dtype={"period": str}, keep_default_na=False, na_values=NUMBERS_ONLY
        )
        assert tuple(read.columns) == columns, file
        assert_frame_equal(read, frame, check_dtype=False, rtol=1e-12)


def test_accounts_balance_as_they_are_written(results: Results, folder: Path) -> None:
    read = pd.read_csv(folder / "accounts.csv", dtype={"period": str}, keep_default_na=False)
    place = ["replicate", "period", "partner"]
    closes = read["item"] == "closing"
    reckoned = read[~closes].groupby(place)["value_rwf"].sum()
    closing = read[closes].set_index(place)["value_rwf"].reindex(reckoned.index)
    assert len(closing) == 2 * len(results.periods) * 14
    assert (reckoned - closing).abs().max() < 0.5
    # in national francs; no partner is left out
    assert set(read["partner"]) == set(SECTORS)
    assert read[closes].groupby("partner")["value_rwf"].apply(lambda v: v.abs().sum())["households"] > 1e9


def test_flows_are_the_receipts_of_the_accounts(folder: Path) -> None:
    flows = pd.read_csv(folder / "flows.csv", dtype={"period": str})
    read = pd.read_csv(folder / "accounts.csv", dtype={"period": str}, keep_default_na=False)
    keys = ["replicate", "period", "payer", "payee", "flow"]
    received = read[~read["item"].isin(("opening", "closing"))].rename(
        columns={"partner": "payee", "counterpart": "payer", "item": "flow"}
    )
    both = flows.merge(received, on=keys, how="left", suffixes=("", "_of_account"))
    assert len(both) == len(flows) > 0
    # every flow is found beside its payee, with the same amount and for the same purpose
    assert both["value_rwf"].equals(both["value_rwf_of_account"])
    assert both["purpose"].equals(both["purpose_of_account"])


def test_resources_and_lenders_agree_with_the_yearly_table(results: Results, folder: Path) -> None:
    yearly = pd.read_csv(folder / "yearly.csv", dtype={"period": str})

    def of_year(variable: str) -> Any:
        rows = yearly[yearly["variable"] == variable]
        return rows.set_index(["replicate", "period"])["value"].sort_index().to_numpy()

    resources = pd.read_csv(folder / "resources.csv", dtype={"period": str})

    def brought(partner: str, kind: str) -> Any:
        rows = resources[(resources["partner"] == partner) & (resources["kind"] == kind)]
        return rows.set_index(["replicate", "period"])["value"].sort_index().to_numpy()

    for partner, kind, variable in (
        ("lenders", "credit", "loans_rwf"),
        ("lenders", "persons enrolled", "enrolled_by_loan"),
        ("groups", "persons enrolled", "enrolled_by_group"),
        ("government", "money", "state_money_rwf"),
        ("donors", "money", "donor_money_rwf"),
    ):
        assert brought(partner, kind) == pytest.approx(of_year(variable), rel=1e-9), (partner, kind)
        assert brought(partner, kind).sum() > 0, (partner, kind)
    lenders = pd.read_csv(folder / "lenders.csv", dtype={"period": str}).sort_values(["replicate", "period"])
    for column, variable in (
        ("equity_rwf", "lender_equity_rwf"), ("lent_rwf", "loans_rwf"),
        ("loans_rwf", "loans_outstanding_rwf"), ("written_off_rwf", "loans_written_off_rwf"),
    ):  # fmt: skip
        assert lenders[column].to_numpy() == pytest.approx(of_year(variable), rel=1e-9), column
    # loans are offered from 2006; before, there is neither a loan nor a loss
    early = lenders[lenders["period"] < "2006"]
    assert early[["money_rwf", "loans_rwf", "equity_rwf", "lent_rwf"]].eq(0).all(axis=None)
    assert early[["loss_share", "late_share", "break_even_rate"]].isna().all(axis=None)


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


def test_the_documented_columns_are_these() -> None:
    """As the reference of the files lists them; whoever reads the files by name depends on it."""
    assert ACCOUNT_COLUMNS == (
        "replicate", "period", "months", "partner", "item", "counterpart", "purpose", "value_rwf"
    )  # fmt: skip
    assert RESOURCE_COLUMNS == ("replicate", "period", "months", "partner", "kind", "value", "unit")
    assert {"accounts.csv", "resources.csv", "lenders.csv"} <= set(FILES)


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
