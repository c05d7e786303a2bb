"""What a folder of results holds."""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import cbhi
from cbhi import formats, saving
from cbhi.accounts import ACCOUNT_COLUMNS, RESOURCE_COLUMNS
from cbhi.kernels.codes import SECTORS
from cbhi.published import published_table
from cbhi.results import Results
from cbhi.saving import FILES, OTHER_FILES, TABLES, save_results

LENDER_COLUMNS = (
    "replicate", "period", "months", "money_rwf", "loans_rwf", "deposits_rwf", "borrowing_rwf", "equity_rwf",
    "lent_rwf", "written_off_rwf", "loss_share", "late_share", "break_even_rate", "interest_rate",
)  # fmt: skip
NUMBERS_ONLY = {"value": [""], "loss_share": [""], "late_share": [""], "break_even_rate": [""]}


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate("rwanda-rules", households=300, replicates=2, seed=5)


@pytest.fixture(scope="module")
def tiny() -> Results:
    return cbhi.simulate(cbhi.scenario("rwanda-rules").replace({}, end="2000-12"), households=50)


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_results(results, tmp_path_factory.mktemp("saved") / "new" / "folder", record={"extra": 1})


@pytest.fixture(scope="module")
def every_format(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.save(tmp_path_factory.mktemp("formats"), formats=("parquet", "xlsx", "dta"))


def frames(results: Results) -> dict[str, pd.DataFrame]:
    return {name: make() for name, make in saving._frames(results).items()}


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
    read = pd.read_csv(
        folder / file, dtype={"period": str}, converters={"value": lambda text: float(text or "nan")}
    )
    # to the last bit: the text of a number reads back as that number
    assert_frame_equal(read, results.to_frame(every=every, by=by), check_dtype=False, check_exact=True)


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
    said = read_json(folder / "scenario.json")
    sources = said.pop("sources")
    assert said == json.loads(json.dumps(results.scenario.as_dict()))
    assert {key: tuple(entry) for key, entry in sources.items()} == dict(results.scenario.sources)
    assert len(sources) > 10


def test_the_record_has_the_hash_of_each_file(folder: Path) -> None:
    record = read_json(folder / "run.json")
    assert set(record["files"]) == set(FILES) - {"run.json"}
    for name in ("yearly.csv", "arrays.npz", "coverage.png"):
        told = subprocess.run(["sha256sum", folder / name], capture_output=True, text=True).stdout.split()[0]
        assert record["files"][name] == told, name
    assert record["format_version"] == 1
    assert record["formats"] == ["csv"]


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


def test_a_second_run_replaces_the_first_and_leaves_other_files(tiny: Results, tmp_path: Path) -> None:
    save_results(tiny, tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    nowhere = dataclasses.replace(tiny.scenario, country="", name="Nowhere")
    save_results(dataclasses.replace(tiny, scenario=nowhere), tmp_path)
    assert names(tmp_path) == {*FILES, "notes.txt"} - {"published.csv"}
    assert set(pd.read_csv(tmp_path / "yearly.csv")["scenario"]) == {"Nowhere"}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_districts_are_means_of_what_is_known() -> None:
    nan = float("nan")
    # replicates, years, districts
    values = np.array([[[1.0, nan], [nan, 4.0]], [[3.0, nan], [5.0, 8.0]]])
    np.testing.assert_array_equal(saving._mean_of_known(values), [[2.0, nan], [5.0, 6.0]])


FULL = OSError(28, "No space left on device")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("place", ["write_table", "_write_json", "write_arrays", "hash_of_file"])
def test_a_disk_that_fills_up_leaves_what_was_there(
    tiny: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "yearly.csv").write_text("old")

    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(saving, place, full)
    with pytest.raises(OSError, match=r"cannot be written to '.*': No space left on device") as caught:
        save_results(tiny, tmp_path)
    assert caught.value.errno == 28
    assert contents(tmp_path) == {"yearly.csv": b"old"}


@pytest.mark.parametrize("step", [0, 1, 2, 9, 24])
def test_a_failure_while_files_are_renamed_puts_the_old_ones_back(
    tiny: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """As on a system that locks a file which is open in a spreadsheet."""
    for name in FILES:
        (tmp_path / name).write_text(f"old {name}")
    before = contents(tmp_path)
    true, calls = os.replace, []

    def held(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == step + 1:
            raise PermissionError(13, "Permission denied")
        true(source, target)

    monkeypatch.setattr(os, "replace", held)
    with pytest.raises(OSError, match="Permission denied"):
        save_results(tiny, tmp_path)
    assert len(calls) > step
    assert contents(tmp_path) == before


def test_a_folder_in_the_place_of_a_file(tiny: Results, tmp_path: Path) -> None:
    (tmp_path / "run.json").mkdir()
    (tmp_path / "yearly.csv").write_text("old")
    with pytest.raises(OSError, match=r"'run.json' is a folder"):
        save_results(tiny, tmp_path)
    assert names(tmp_path) == {"run.json", "yearly.csv"}
    assert (tmp_path / "yearly.csv").read_text() == "old"


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_file_that_may_not_grow(tiny: Results, tmp_path: Path) -> None:
    """The kernel itself refuses to write on, as on a full disk."""
    (tmp_path / "yearly.csv").write_text("old")
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))
    try:
        with pytest.raises(OSError, match=r"results cannot be written to .*: File too large"):
            save_results(tiny, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert contents(tmp_path) == {"yearly.csv": b"old"}


def test_a_folder_that_cannot_be_made(tiny: Results, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    for place in (file, file / "below"):
        with pytest.raises(OSError, match=r"results cannot be written to '.*file"):
            save_results(tiny, place)
    assert names(tmp_path) == {"file"}
    assert file.read_text() == "mine"


def test_without_matplotlib_all_else_is_written(
    tiny: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    save_results(tiny, tmp_path)
    assert names(tmp_path) == set(FILES) - {"coverage.png"}
    assert "pip install 'cbhi[plot]'" in read_json(tmp_path / "run.json")["picture"]


def test_another_missing_module_is_not_taken_for_matplotlib(
    tiny: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Results) -> None:
        raise ModuleNotFoundError("No module named 'dateutil'", name="dateutil")

    monkeypatch.setattr(saving, "plot_headline", broken)
    with pytest.raises(ModuleNotFoundError, match="dateutil"):
        save_results(tiny, tmp_path)
    assert names(tmp_path) == set()


# --- other formats -----------------------------------------------------------------------------------


def test_every_format_is_written(every_format: Path) -> None:
    assert names(every_format) == {*FILES, *OTHER_FILES}
    assert read_json(every_format / "run.json")["formats"] == ["csv", "parquet", "xlsx", "dta"]


def equal(read: pd.DataFrame, frame: pd.DataFrame) -> None:
    """Equal to the last bit; which missing value stands for none, and which type for text, may differ."""
    assert list(read.columns) == list(frame.columns)
    assert len(read) == len(frame)
    for name in frame.columns:
        ours, theirs = frame[name], read[name]
        if pd.api.types.is_numeric_dtype(ours.dtype):
            wanted = ours.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            got = theirs.astype("Float64").to_numpy(dtype=float, na_value=np.nan)
            assert np.array_equal(wanted, got, equal_nan=True), name
        else:
            texts = ["" if pd.isna(value) else str(value) for value in ours]
            assert texts == ["" if pd.isna(value) else str(value) for value in theirs], name


@pytest.mark.parametrize("name", TABLES)
def test_parquet_and_stata_hold_the_frames(results: Results, every_format: Path, name: str) -> None:
    frame = frames(results)[name]
    equal(pd.read_parquet(every_format / f"{name}.parquet"), frame)
    equal(pd.read_stata(every_format / f"{name}.dta"), frame)


@pytest.mark.parametrize(
    ("sheet", "name"),
    [("Inputs", "parameters"), ("Yearly", "yearly"), ("ByQuintile", "quintiles"), ("Ledger", "accounts")],
)
def test_the_workbook_holds_the_frames(results: Results, every_format: Path, sheet: str, name: str) -> None:
    text = {"period": str, "value": str} if name == "parameters" else {"period": str}
    read = pd.read_excel(every_format / "results.xlsx", sheet_name=sheet, dtype=text, keep_default_na=False,
                         na_values={**NUMBERS_ONLY, "low": [""], "high": [""]} if name != "parameters" else
                         {"low": [""], "high": [""]})  # fmt: skip
    equal(read, frames(results)[name])


def test_the_summary_sheet_is_median_and_spread(results: Results, every_format: Path) -> None:
    read = pd.read_excel(every_format / "results.xlsx", sheet_name="Summary", dtype={"period": str})
    row = read.set_index(["variable", "period"]).loc[("claims_paid_rwf", "2010")]
    place = [label for label, _, _ in results.periods].index("2010")
    one, two = sorted(results.values("claims_paid_rwf")[:, place, 0])
    assert row["median"] == pytest.approx((one + two) / 2)
    assert row["p05"] == pytest.approx(one + 0.05 * (two - one))
    assert row["p95"] == pytest.approx(one + 0.95 * (two - one))
    assert (row["unit"], row["replicates"]) == ("RWF", 2)


def test_the_about_sheet_says_what_was_run(results: Results, every_format: Path) -> None:
    about = pd.read_excel(every_format / "results.xlsx", sheet_name="About", dtype=str).set_index("item")
    assert about.loc["fingerprint", "content"] == results.scenario.fingerprint()
    assert about.loc["seed", "content"] == "5"
    assert about.loc["version of cbhi", "content"] == cbhi.__version__
    import openpyxl

    book = openpyxl.load_workbook(every_format / "results.xlsx")
    assert book.sheetnames == ["Inputs", "Summary", "Yearly", "ByQuintile", "Ledger", "About"]
    assert book["Yearly"].freeze_panes == "A2"


def test_stata_has_labels_and_short_names(every_format: Path) -> None:
    with pd.io.stata.StataReader(every_format / "accounts.dta") as reader:
        labels = reader.variable_labels()
        assert reader.data_label == "accounts: each partner's account by reporting year"
        assert reader.time_stamp == "01 Jan 1960 00:00"
    assert labels["value_rwf"] == "RWF, national scale"
    assert labels["counterpart"] == "Who stands on the other side"
    head = (every_format / "accounts.dta").read_bytes()[:60]
    assert b"<release>118</release>" in head


def test_equal_results_are_equal_files(results: Results, every_format: Path, tmp_path: Path) -> None:
    """Workbooks apart, whose format wants the time."""
    again = results.save(tmp_path, formats=["dta", "parquet"])
    for name in (*FILES, *OTHER_FILES):
        if name not in ("run.json", "results.xlsx"):
            assert (again / name).read_bytes() == (every_format / name).read_bytes(), name


def test_text_is_never_a_formula_and_odd_letters_pass(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["=1+1", "a\x00b", "Ünïcödé 中"], "value": [1.5, float("inf"), None]})
    formats.write_workbook({"Yearly": frame}, tmp_path / "x.xlsx")
    import openpyxl

    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["Yearly"]
    assert [(cell.value, cell.data_type) for cell in sheet["A"][1:]] == [
        ("=1+1", "s"), ("a\ufffdb", "s"), ("Ünïcödé 中", "s")
    ]  # fmt: skip
    assert [cell.value for cell in sheet["B"][1:]] == [1.5, "inf", None]


def test_stata_takes_long_text_large_numbers_and_missing_ones(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "text": ["é" * 3000, "", None],
            "large": [2**40, -5, 7],
            "truth": pd.array([True, None, False], dtype="boolean"),
            "number": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    formats.write_table(frame, tmp_path / "x.dta", {"large": "L" * 200})
    equal(pd.read_stata(tmp_path / "x.dta"), frame)
    with pytest.raises(ValueError, match=r"column 'a{33}' has 33 letters; a name in Stata has at most 32"):
        formats.write_table(pd.DataFrame({"a" * 33: [1]}), tmp_path / "y.dta")


def test_a_run_without_a_format_takes_its_old_files_away(tiny: Results, tmp_path: Path) -> None:
    tiny.save(tmp_path, formats=("xlsx", "dta"))
    assert (tmp_path / "results.xlsx").exists()
    tiny.save(tmp_path)
    assert names(tmp_path) == set(FILES)


def test_an_unknown_format(tiny: Results, tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"unknown format 'xslx'; did you mean 'xlsx'\?; known: csv, parquet"
    ):
        tiny.save(tmp_path, formats=("xslx",))
    assert names(tmp_path) == set()


@pytest.mark.parametrize(("form", "package"), [("parquet", "pyarrow"), ("xlsx", "openpyxl")])
def test_a_missing_package_is_named_before_anything_is_written(
    tiny: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError) as caught:
        tiny.save(tmp_path / "new", formats=(form,))
    assert caught.value.name == package
    assert names(tmp_path) == set()


def test_more_rows_than_a_sheet_holds(
    results: Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 14 years; an account of 14 sectors with two balances each, 60 flows with two ends
    monkeypatch.setattr(saving, "SHEET_ROWS", 14 * (2 * 14 + 2 * 60) * 2 - 1)
    with pytest.raises(ValueError, match=r"2 replicates need 4,144; at most 1 replicates fit"):
        results.save(tmp_path / "new", formats=("xlsx",))
    assert names(tmp_path) == set()
    monkeypatch.setattr(formats, "SHEET_ROWS", 2)
    with pytest.raises(ValueError, match="sheet Yearly would have 3 rows, and a workbook holds 2"):
        formats.write_workbook({"Yearly": pd.DataFrame({"a": [1, 2, 3]})}, tmp_path / "x.xlsx")
    assert names(tmp_path) == set()
