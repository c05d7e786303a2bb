"""Comparisons: paired differences, their error and spread, and runs on common random numbers."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cbhi
from cbhi.comparison import Comparison, Tolerance, _watched_period, common_periods, compare
from cbhi.comparison.differences import Difference
from cbhi.comparison.files import folder_names
from cbhi.results import COLUMNS, Results
from cbhi.scenarios import Scenario

SIZE = dict(households=200, replicates=4)
COVERAGE = "coverage_end_share"


def small(**changes: object) -> Scenario:
    """Schemes open everywhere at once, and dear, for three years and a half."""
    return cbhi.scenario("rwanda-rules").replace(
        {"switches.rollout": False, "scheme.household_premium_rwf": 8000, **changes},
        name="small",
        end="2002-12",
    )


@pytest.fixture(scope="module")
def base() -> Scenario:
    return small()


@pytest.fixture(scope="module")
def free(base: Scenario) -> Scenario:
    return base.replace({"scheme.household_premium_rwf": 0}, name="free")


@pytest.fixture(scope="module")
def compared(base: Scenario, free: Scenario) -> Comparison:
    return compare(base, free, base.replace({}, name="again"), **SIZE)


def by_hand(base: list[list[float]], other: list[list[float]], unit: str = "share") -> Difference:
    """One scenario against another: rows are replicates, columns years."""
    first, second = np.array(base)[:, :, None], np.array(other)[:, None, :, None]
    return Difference(
        COVERAGE, unit, "a", ("b",), tuple("123"[: first.shape[1]]), ("all",),
        np.arange(len(first)), first, second,
    )  # fmt: skip


def test_a_difference_by_hand() -> None:
    d = by_hand([[0.1], [0.2], [0.6]], [[0.2], [0.4], [0.9]])  # differences 0.1, 0.2, 0.3
    assert d.mean == pytest.approx(0.2)
    assert d.standard_error == pytest.approx(0.1 / math.sqrt(3))
    assert d.half_width() == pytest.approx(4.302653 * 0.1 / math.sqrt(3), rel=1e-6)
    # variances 0.07 and 0.13 (of 0.2, 0.4, 0.9) against 0.01 of the pairs
    assert d.variance_ratio == pytest.approx((0.07 + 0.13) / 0.01)
    assert d.share_positive == 1.0
    assert d.share_same_sign == 1.0
    frame = d.quantiles(0.0, 0.5, 1.0)
    assert frame[["p00", "p50", "p100"]].iloc[0].tolist() == pytest.approx([0.1, 0.2, 0.3])
    ci = d.mean_ci(0.9)
    assert ci["ci_high"][0] - ci["mean"][0] == pytest.approx(2.919986 * 0.1 / math.sqrt(3), rel=1e-6)


def test_signs_and_missing_values() -> None:
    nan = math.nan
    d = by_hand(
        [[1.0, nan, 2.0], [1.0, 1.0, 2.0], [1.0, 2.0, nan]],
        [[1.0, 5.0, 1.0], [1.0, 0.0, 4.0], [1.0, 4.0, 5.0]],
    )
    assert d.mean[0, :, 0].tolist() == pytest.approx([0.0, 0.5, 0.5])
    assert d.n[0, :, 0].tolist() == [3, 2, 2]
    assert math.isnan(d.share_same_sign[0, 0, 0])
    assert d.share_same_sign[0, 1:, 0].tolist() == [0.5, 0.5]
    assert d.share_positive[0, :, 0].tolist() == [0.0, 0.5, 0.5]
    assert math.isnan(d.variance_ratio[0, 0, 0])
    # pairs (1, 0), (2, 4): variances 0.5 and 8, of the pairs 4.5
    assert d.variance_ratio[0, 1, 0] == pytest.approx(8.5 / 4.5)


def test_a_scenario_against_itself_gives_zeros(compared: Comparison) -> None:
    for name in (COVERAGE, "claims_paid_rwf", "visits_per_person_year"):
        d = compared.difference(name)
        again = d.scenarios.index("again")
        assert np.all(d.values[:, again] == 0.0)
        assert np.all(np.isnan(d.share_same_sign[again]))
        assert np.all(d.share_positive[again] == 0.0)
        assert np.all(d.standard_error[again] == 0.0)


def test_a_comparison_turned_round_changes_signs_only(
    compared: Comparison, base: Scenario, free: Scenario
) -> None:
    turned = Comparison((compared["free"], compared["small"]))
    for name in (COVERAGE, "contributions_rwf"):
        one, other = compared.difference(name), turned.difference(name)
        assert np.array_equal(one.values[:, 0], -other.values[:, 0])
        assert np.array_equal(one.standard_error[0], other.standard_error[0])
        assert np.array_equal(one.variance_ratio[0], other.variance_ratio[0], equal_nan=True)


def test_the_mean_difference_is_the_difference_of_means(compared: Comparison) -> None:
    for by in ("all", "quintile"):
        d = compared.difference(COVERAGE, by=by)
        means = [compared[name].values(COVERAGE, by=by).mean(axis=0) for name in ("small", "free")]
        assert d.mean[0] == pytest.approx(means[1] - means[0])


def test_a_premium_of_nothing_raises_coverage(compared: Comparison) -> None:
    d = compared.difference(COVERAGE)
    assert np.all(d.mean[0, 1:] > 0.02)
    assert np.all(d.share_same_sign[0, 1:] == 1.0)
    money = compared.difference("contributions_rwf")
    assert np.all(money.others[:, 0] == 0.0)
    assert np.all(money.mean[0, 1:] < 0.0)


def test_quintiles_and_districts_add_up(compared: Comparison) -> None:
    whole = compared.difference("contributions_rwf").values[..., 0]
    assert compared.difference("contributions_rwf", by="quintile").values.sum(axis=-1) == pytest.approx(whole)
    assert compared.difference("contributions_rwf", by="district").values.sum(axis=-1) == pytest.approx(whole)
    months = compared.difference("contributions_rwf", "month")
    assert months.periods[0] == "1999-07"
    assert months.values.sum(axis=2) == pytest.approx(
        compared.difference("contributions_rwf").values.sum(axis=2)
    )


def test_the_variance_ratio_is_what_independent_seeds_give(base: Scenario) -> None:
    dearer = base.replace({"care.copayment_rwf": 400}, name="dearer")
    many = dict(households=100, replicates=48)
    name, year = "visits_per_person_year", "2002"
    pairs = compare(base, dearer, seed=1, **many)
    d = pairs.difference(name)
    at = d.periods.index(year)
    other_seed = cbhi.simulate(dearer, seed=2, **many).values(name)[:, at, 0]
    apart = other_seed - d.base[:, at, 0]
    together = d.values[:, 0, at, 0]
    told = float(d.variance_ratio[0, at, 0])
    really = apart.var(ddof=1) / together.var(ddof=1)
    # both are over the same paired variance; with 47 degrees of freedom the rest is within a half
    assert really / told == pytest.approx(1.0, abs=0.5)
    assert told > 3.0
    # and the means agree: an unpaired difference estimates the same
    error = math.hypot(apart.std(ddof=1), together.std(ddof=1)) / math.sqrt(48)
    assert abs(apart.mean() - together.mean()) < 4 * error


def test_a_tolerance_adds_batches_until_it_is_met(base: Scenario, free: Scenario) -> None:
    said: list[tuple[int, int]] = []
    size = dict(households=100, replicates=3, on=COVERAGE, period="2002", max_replicates=8)
    plain = compare(base, free, households=100, replicates=8).difference(COVERAGE)
    at = plain.periods.index("2002")
    tight = compare(base, free, tol=1e-6, progress=lambda done, total: said.append((done, total)), **size)
    assert tight.tolerance is not None
    assert (tight.tolerance.met, tight.tolerance.replicates) == (False, 8)
    assert "NOT met" in str(tight.tolerance)
    assert tight.results[0].n_replicates == 8
    assert said[-1][0] == said[-1][1]
    # batches continue the numbers of the replicates, so the end is as if all had been asked for at once
    assert np.array_equal(tight.difference(COVERAGE).values, plain.values)
    assert tight.tolerance.reached == pytest.approx(float(plain.half_width()[0, at, 0]))
    loose = compare(base, free, tol=0.9, **size)
    assert loose.tolerance is not None
    assert (loose.tolerance.met, loose.tolerance.replicates) == (True, 3)
    assert loose.tolerance.reached <= 0.9
    middle = compare(base, free, tol=tight.tolerance.reached, **size)
    assert middle.tolerance is not None
    assert 3 <= middle.tolerance.replicates <= 8
    assert middle.tolerance.met


def test_tidy_frame(compared: Comparison) -> None:
    name = "visits_per_person_year"
    frame = compared.to_frame(name)
    assert list(frame) == [*COLUMNS, "against", "difference"]
    # the rows of all scenarios, as each has them by itself
    own = pd.concat([one.to_frame(name, every="year") for one in compared.results], ignore_index=True)
    pd.testing.assert_frame_equal(frame[list(COLUMNS)], own)
    first = frame["scenario"] == "small"
    assert frame[first]["against"].isna().all()
    assert frame[first]["difference"].isna().all()
    assert set(frame[~first]["against"]) == {"small"}
    wide = frame.pivot_table(index=["replicate", "period"], columns="scenario", values="value")
    free = frame[frame["scenario"] == "free"].set_index(["replicate", "period"])
    assert free["difference"].to_numpy() == pytest.approx((wide["free"] - wide["small"]).to_numpy())
    assert (free["difference"] != 0).any()
    assert set(compared.to_frame(by="quintile")["variable"]) <= set(cbhi.VARIABLES)
    assert len(compared.to_frame(name, by="quintile")) == 3 * 4 * 4 * 5
    assert "renewal_share" not in compared.variables("month")
    # one row a pair
    pairs = compared.difference(name).to_frame()
    assert len(pairs) == 2 * 4 * 4
    assert pairs["difference"].to_numpy() == pytest.approx(
        (pairs["value"] - pairs["value_against"]).to_numpy()
    )


def test_the_table_says_what_the_numbers_are(compared: Comparison) -> None:
    two = Comparison(compared.results[:2])
    table = two.summary([COVERAGE], ["2002"])
    d = two.difference(COVERAGE)
    row = table.rows[0]
    assert row[:2] == ("members, %", "2002")
    assert float(row[3]) == pytest.approx(100 * d.mean[0, -1, 0], abs=0.06)
    assert float(row[4]) == pytest.approx(100 * d.standard_error[0, -1, 0], abs=0.06)
    assert row[5] == "100 %"
    text = str(two.summary())
    assert max(len(line) for line in text.splitlines()) <= 100
    assert "Monte Carlo error" in text
    assert "spread" in text
    assert "percentage points" in text
    assert len(compared.summary([COVERAGE], by="quintile").rows) == 2 * 5 * len(
        {row[1] for row in compared.summary([COVERAGE]).rows}
    )
    page = compared._repr_html_()
    assert "<details>" in page
    assert "http" not in page
    assert "One replicate" in str(compare("rwanda-rules", small(), households=50, replicates=1).summary())


def test_the_picture(compared: Comparison) -> None:
    paths, changes = compared.plot(COVERAGE)
    d = compared.difference(COVERAGE)
    drawn = changes.get_lines()[0].get_ydata()
    assert drawn == pytest.approx(100 * d.mean[0, :, 0])
    assert changes.get_ylabel() == "percentage points"
    assert [text.get_text() for text in changes.get_legend().get_texts()] == ["small", "free", "again"]
    assert paths.get_lines()[0].get_ydata() == pytest.approx(100 * d.base.mean(axis=0)[:, 0])
    assert "5-95 % of the pairs" in changes.texts[0].get_text()
    assert len(compared.plot(COVERAGE, by="quintile")[1].get_legend().get_texts()) == 15
    from matplotlib import pyplot

    pyplot.close("all")


def test_saving(compared: Comparison, tmp_path: Path) -> None:
    two = Comparison(compared.results[:2])
    folder = two.save(tmp_path / "kept")
    assert {path.name for path in folder.iterdir()} == {
        "1-small", "2-free", "differences.csv", "summary.txt", "comparison.json",
    }  # fmt: skip
    record = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    assert [one["folder"] for one in record["scenarios"]] == ["1-small", "2-free"]
    frame = pd.read_csv(folder / "differences.csv", dtype={"period": str})
    pairs = two.difference(COVERAGE).to_frame()
    told = frame[frame["variable"] == COVERAGE]
    assert list(frame) == list(pairs)
    assert told["difference"].tolist() == pytest.approx(pairs["difference"].tolist(), nan_ok=True)
    again = cbhi.load(folder / "2-free")
    assert np.array_equal(again.values(COVERAGE), two["free"].values(COVERAGE))
    (folder / "1-small" / "mine.txt").write_text("kept", encoding="utf-8")
    two.save(folder)
    assert (folder / "1-small" / "mine.txt").read_text(encoding="utf-8") == "kept"
    assert not list(folder.glob(".saving*"))


def test_a_failed_save_leaves_nothing(
    compared: Comparison, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cbhi.comparison import files as comparison_files

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(comparison_files, "save_results", full)
    with pytest.raises(OSError, match=r"cannot be written to .*No space left"):
        compared.save(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folder_names_are_plain_and_unique(compared: Comparison) -> None:
    one, other, third = compared.results
    strange = dataclasses.replace(other, scenario=other.scenario.replace({}, name="../Fré e: x=1"))
    blank = dataclasses.replace(third, scenario=third.scenario.replace({}, name="***"))
    assert folder_names(Comparison((one, strange, blank))) == ["1-small", "2-fr-e-x-1", "3"]


def test_only_periods_of_the_same_months_are_compared(base: Scenario) -> None:
    shifted = base.replace({"scheme.calendar": "fixed", "scheme.year_start_month": 7}, name="July")
    longer = base.replace({}, name="longer", end="2003-06")
    found = compare(base, longer, households=50, replicates=2)
    assert found.periods() == ("1999", "2000", "2001", "2002")
    assert found.periods("month")[-1] == "2002-12"
    assert found.difference(COVERAGE).mean == pytest.approx(0.0)
    # membership years that differ leave the months in common
    moved = compare(base, shifted, households=50, replicates=1)
    assert moved.periods("month")[0] == "1999-07"
    with pytest.raises(ValueError, match="compare by month"):
        moved.summary()
    part = base.add_event("2002-01", {"scheme.calendar": "fixed", "scheme.year_start_month": 7}, "July")
    partly = compare(base, part.replace({}, name="part"), households=50, replicates=1)
    assert partly.periods() == ("1999", "2000", "2001")
    assert "Left out, for not all scenarios have the same months in them: 2002" in str(partly.summary())
    later = base.replace({}, name="later", start="2003-01", end="2004-12")
    with pytest.raises(ValueError, match="no period of the same months in common"):
        compare(base, later)
    assert common_periods([(base, [("1999", 0, 6), ("2000", 6, 18)]), (longer, [("2000", 6, 18)])]) == [
        ("2000", [1, 0])
    ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(tol=0.0), "tol must be a number above 0 in the unit of coverage_end_share [share], got 0.0"),
        (dict(tol="1"), "tol must be a number above 0"),
        (dict(tol=0.1, on="coverage_end_shar"), "did you mean 'coverage_end_share'"),
        (dict(tol=0.1, replicates=1), "replicates must be 2 or more"),
        (dict(tol=0.1, period="2020"), "there are: 1999, 2000, 2001, 2002"),
        (dict(tol=0.1, max_replicates=2), "max_replicates = 2 is outside 4 to 100000"),
        (dict(households=0), "households = 0"),
        (dict(replicates=2.5), "replicates must be a whole number"),
    ],
)
def test_wrong_arguments(base: Scenario, free: Scenario, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as problem:  # noqa: PT011
        compare(base, free, **{"replicates": 4, **arguments})  # type: ignore[arg-type]
    assert said in str(problem.value)


def test_a_tolerance_on_what_has_no_value(base: Scenario, free: Scenario) -> None:
    with pytest.raises(ValueError, match="renewal_share 1999 has no value in 'small' or 'free'"):
        compare(base, free, households=50, replicates=2, tol=0.1, on="renewal_share", period="1999")


def test_what_cannot_be_compared(compared: Comparison, base: Scenario, free: Scenario) -> None:
    with pytest.raises(ValueError, match="needs two scenarios"):
        compare(base)
    with pytest.raises(ValueError, match="2 scenarios are called 'small'; give each a name of its own"):
        compare(base, free, base)
    with pytest.raises(ValueError, match="no such scenario; did you mean 'rwanda'"):
        compare(base, "rwnda")
    first = compared.results[0]
    for other, said in (
        (cbhi.simulate(free, households=100, replicates=4), "households 100 against 200"),
        (cbhi.simulate(free, households=200, replicates=4, seed=2), "seed 2 against 1"),
        (cbhi.simulate(free, households=200, replicates=2), r"replicates 0 to 1 \(2\) against 0 to 3 \(4\)"),
    ):
        with pytest.raises(ValueError, match=said):
            Comparison((first, other))
    with pytest.raises(ValueError, match="did you mean 'coverage_end_share'"):
        compared.difference("coverage_end_shar")
    with pytest.raises(ValueError, match="'1990' is no reporting year"):
        compared.summary(periods=["1990"])
    with pytest.raises(ValueError, match="say which variables by quintile"):
        compared.summary(by="quintile")
    with pytest.raises(KeyError, match="did you mean 'free'"):
        compared["fre"]


def test_a_tolerance_says_what_it_reached() -> None:
    met = Tolerance(COVERAGE, "2002", 0.01, 0.005, 20)
    assert met.met
    assert str(met).startswith("Tolerance 0.01 [share] on coverage_end_share 2002: met after 20 replicates")


def test_results_are_named_and_shown(compared: Comparison) -> None:
    assert repr(compared) == (
        "<Comparison of 'free', 'again' with 'small': 4 replicates of 200 households, seed 1>"
    )
    assert [one.name for one in compared.scenarios] == ["small", "free", "again"]
    assert "4 replicates" in repr(compared.difference(COVERAGE))


def test_no_ratio_where_the_difference_does_not_vary(compared: Comparison) -> None:
    d = by_hand([[0.1, 0.3], [0.2, 0.3], [0.6, 0.3]], [[0.3, 0.4], [0.4, 0.9], [0.8, 0.3]])
    assert math.isnan(d.variance_ratio[0, 0, 0])  # always 0.2, but for rounding
    assert d.variance_ratio[0, 1, 0] == pytest.approx(1.0)
    assert math.isnan(by_hand([[0.1], [0.2]], [[0.1], [0.2]]).variance_ratio[0, 0, 0])
    table = Comparison((compared["small"], compared["again"])).summary()
    assert {row[-1] for row in table.rows} == {"-"}
    said = " ".join(table.notes)
    assert "var. ratio:" in said
    assert "median" not in said.split("var. ratio")[1].split(":")[0]
    both = compared.summary([COVERAGE], ["2002"])
    assert [row[-1] == "-" for row in both.rows] == [False, True]
    middle = float(compared.difference(COVERAGE).variance_ratio[0, -1, 0])
    assert f"var. ratio (median {middle:.1f})" in " ".join(both.notes)


def test_a_spreadsheet_can_filter_the_table(compared: Comparison) -> None:
    lines = compared.summary([COVERAGE, "contributions_rwf"], ["2001", "2002"]).as_csv().splitlines()
    assert len(lines) == 1 + 2 * 2 * 2
    assert [line.startswith('"members, %",2001') for line in lines].count(True) == 2
    assert not any(line.startswith(",") for line in lines[1:])


def same(one: Comparison, other: Comparison) -> None:
    assert [r.scenario for r in one.results] == [r.scenario for r in other.results]
    for mine, its in zip(one.results, other.results, strict=True):
        for a, b in zip(mine.arrays, its.arrays, strict=True):
            assert np.array_equal(a, b)
    pd.testing.assert_frame_equal(one.to_frame(), other.to_frame())
    assert one.tolerance == other.tolerance


def test_a_comparison_is_read_back(compared: Comparison, tmp_path: Path) -> None:
    watched = dataclasses.replace(compared, tolerance=Tolerance(COVERAGE, "2002", 0.01, 0.02, 4))
    for number, one in enumerate((compared, watched)):
        found = cbhi.load(one.save(tmp_path / str(number)))
        assert isinstance(found, Comparison)
        same(found, one)
    assert isinstance(cbhi.load(str(tmp_path / "0" / "2-free")), Results)


@pytest.fixture(scope="module")
def saved(compared: Comparison, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Comparison(compared.results[:2]).save(tmp_path_factory.mktemp("saved"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (dict(format_version=None), "has no format_version"),
        (dict(format_version=99), "written by a newer cbhi: format 99"),
        (dict(scenarios=[]), "does not name the scenarios"),
        (dict(scenarios=[{"folder": "../x"}, {"folder": "1-a"}]), "'../x' is no folder of a scenario"),
        (dict(scenarios=[{"folder": "1-gone"}, {"folder": "2-free"}]), "there is no folder '1-gone'"),
        (dict(scenarios=["a", "b"]), "None is no folder of a scenario"),
        (dict(seed=9), "does not hold the run that was compared: seed 1, and comparison.json says 9"),
        (dict(replicates=3), "replicates 4, and comparison.json says 3"),
        (dict(tolerance=5), "'tolerance' holds 5"),
        (dict(tolerance={"variable": "x"}), "tolerance: 'period'"),
    ],
)
def test_damaged_and_foreign_comparisons(
    saved: Path, tmp_path: Path, change: dict[str, object], said: str
) -> None:
    folder = tmp_path / "c"
    shutil.copytree(saved, folder)
    path = folder / "comparison.json"
    path.write_text(json.dumps({**json.loads(path.read_text(encoding="utf-8")), **change}), encoding="utf-8")
    with pytest.raises(ValueError) as problem:  # noqa: PT011
        cbhi.load(folder)
    assert said in str(problem.value)
    assert str(folder) in str(problem.value)


def test_other_folders_are_refused_by_name(saved: Path, tmp_path: Path) -> None:
    folder = tmp_path / "c"
    shutil.copytree(saved, folder)
    (folder / "comparison.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"comparison.json' is damaged: not valid JSON"):
        cbhi.load(folder)
    shutil.copy(saved / "comparison.json", folder)
    for name in ("run.json", "scenario.json", "arrays.npz"):
        shutil.copy(folder / "2-free" / name, folder / "1-small" / name)
    with pytest.raises(ValueError, match="does not hold the run that was compared: scenario 'free'"):
        cbhi.load(folder)
    shutil.copy(saved / "1-small" / "run.json", folder)
    with pytest.raises(ValueError, match=r"holds the results of a run .* and a comparison"):
        cbhi.load(folder)
    with pytest.raises(ValueError, match="the folder of the results is wanted"):
        cbhi.load(3)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no folder"):
        cbhi.load(tmp_path / "nowhere")


def test_a_smaller_comparison_leaves_nothing_of_a_larger(compared: Comparison, tmp_path: Path) -> None:
    folder = compared.save(tmp_path / "c")
    (folder / "2-free" / "mine.txt").write_text("kept", encoding="utf-8")
    (folder / "notes").mkdir()
    small, free, again = compared.results
    two = Comparison((small, again))
    two.save(folder)
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        "1-small", "2-again", "2-free", "notes",
    ]  # fmt: skip
    assert [path.name for path in (folder / "2-free").iterdir()] == ["mine.txt"]
    found = cbhi.load(folder)
    assert isinstance(found, Comparison)
    same(found, two)
    Comparison((free, small)).save(folder)
    assert not (folder / "2-again").exists()


def test_finished_replicates_are_taken_over_and_kept(base: Scenario, free: Scenario) -> None:
    size = dict(households=60, replicates=3)
    kept: list[Results] = []
    whole = compare(base, free, keep=kept.append, **size)
    assert sorted((one.scenario.name, *one.arrays.replicates.tolist()) for one in kept) == [
        (name, number) for name in ("free", "small") for number in range(3)
    ]
    fresh: list[Results] = []
    some = [one for one in kept if one.arrays.replicates[0] != 1]
    again = compare(base, free, finished=some, keep=fresh.append, **size)
    assert [one.arrays.replicates.tolist() for one in fresh] == [[1], [1]]
    same(again, whole)
    # batches of a tolerance find them too
    fresh.clear()
    batches = compare(
        base, free, finished=kept, keep=fresh.append, households=60, replicates=2, tol=1e-9, max_replicates=3
    )
    assert not fresh
    assert np.array_equal(batches.difference(COVERAGE).values, whole.difference(COVERAGE).values)
    with pytest.raises(ValueError, match="belong to another run: survey"):
        compare(base, free, finished=kept, survey=0, **size)
    assert compare(base, free, survey=0, **size).results[0].survey == 0


def test_the_base_is_averaged_over_the_pairs() -> None:
    nan = math.nan
    d = by_hand([[1.0], [nan], [3.0], [8.0]], [[2.0], [5.0], [5.0], [nan]])
    assert d.mean_against.tolist() == [[[2.0]]]
    assert d.mean.tolist() == [[[1.5]]]


def test_the_last_complete_year_has_twelve_months(base: Scenario, free: Scenario) -> None:
    short = [one.replace({}, name=one.name, end="2002-03") for one in (base, free)]
    found = compare(*short, households=30, replicates=2, tol=0.9)
    assert found.tolerance is not None
    assert found.tolerance.period == "2001"
    half = [cbhi.scenario("rwanda-rules").replace({}, name=name, end="2011-06") for name in "ab"]
    assert _watched_period(None, half) == "2010"


def test_few_sections_are_said(compared: Comparison) -> None:
    assert "Few sections are simulated (1, in 1 district)" in " ".join(compared.summary().notes)
