"""The packaged tables: valid, complete, anchored to known figures, and read with helpful errors."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pandas as pd
import pytest

from cbhi import datasets

OUTCOMES = ("coverage", "use_of_care", "accounts")
TABLES = datasets.table_names("rwanda")
DESCRIPTOR = json.loads((datasets.data_dir() / "datapackage.json").read_text(encoding="utf-8"))
COUNTRIES = sorted({resource["path"].split("/")[0] for resource in DESCRIPTOR["resources"]})
DOCS = Path(__file__).parents[2] / "docs" / "data.md"


def every_row(country: str) -> pd.DataFrame:
    tables = [datasets.load_table(country, n).assign(table=n) for n in datasets.table_names(country)]
    return pd.concat(tables).set_index("key", drop=False)


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    return every_row("rwanda")


@pytest.fixture(scope="module", params=COUNTRIES)
def any_rows(request: pytest.FixtureRequest) -> pd.DataFrame:
    return every_row(request.param)


def frictionless_errors(descriptor: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from frictionless import Package

        report = Package(str(descriptor)).validate()
    return [f"{place}: {note}" for place, note in report.flatten(["name", "note"])]


# --- the data package -------------------------------------------------------------------------------------


def test_frictionless_finds_nothing_wrong() -> None:
    assert frictionless_errors(datasets.data_dir() / "datapackage.json") == []


@pytest.mark.parametrize(
    ("table", "before", "after"),
    [
        ("coverage", ",fit,", ",fitted,"),
        ("coverage", "cbhi_coverage_pop,2003,", "cbhi_cover_pop,2003,"),
        ("coverage", "2011/12,2011,2012", "2012/13,2012,2013"),
        ("coverage", "cbhi_coverage_pop:2004:1", "cbhi_coverage_pop:2003:1"),
        ("population", "8147912", "about 8 million"),
        ("prices", "2007,2007,2007,1000", "2007,2007,2007,-1000"),
        ("prices", "1999/00", "1999/00?"),
    ],
)
def test_the_schema_refuses_a_spoilt_copy(tmp_path: Path, table: str, before: str, after: str) -> None:
    (tmp_path / "rwanda").mkdir()
    resource = next(r for r in DESCRIPTOR["resources"] if r["path"] == f"rwanda/{table}.csv")
    (tmp_path / "datapackage.json").write_text(json.dumps({**DESCRIPTOR, "resources": [resource]}))
    text = (datasets.data_dir() / resource["path"]).read_text(encoding="utf-8")
    assert before in text
    (tmp_path / resource["path"]).write_text(text.replace(before, after, 1), encoding="utf-8")
    assert frictionless_errors(tmp_path / "datapackage.json") != []


def test_every_csv_is_a_resource_and_the_other_way_round() -> None:
    """Those of published figures; parameter sets beside the scenarios are outputs of a calibration."""
    files = {path.relative_to(datasets.data_dir()).as_posix() for path in datasets.data_dir().rglob("*.csv")}
    sets = {path for path in files if path.startswith("scenarios/") and path.endswith("-sets.csv")}
    assert files - sets == {resource["path"] for resource in DESCRIPTOR["resources"]}


def test_sources_of_the_package_are_those_of_the_rows() -> None:
    cited = pd.concat([every_row(country) for country in COUNTRIES]).dropna(subset=["source"])
    listed = [(source["title"], source.get("path", "")) for source in DESCRIPTOR["sources"]]
    assert len(listed) == len(set(listed))
    assert set(listed) == set(zip(cited["source"], cited["url"].fillna(""), strict=True))


def test_every_variable_is_explained_and_lives_in_one_table_of_its_country() -> None:
    for country in COUNTRIES:
        assert every_row(country).groupby("variable")["table"].nunique().max() == 1
    for resource in DESCRIPTOR["resources"]:
        field = next(f for f in resource["schema"]["fields"] if f["name"] == "variable")
        country, file = resource["path"].split("/")
        assert resource["name"] == f"{country}-{file.removesuffix('.csv')}"
        explained = {category["value"] for category in field["categories"] if len(category["label"]) > 8}
        present = set(datasets.load_table(country, file.removesuffix(".csv"))["variable"])
        assert explained == present == set(field["constraints"]["enum"]), resource["name"]


# --- the rows ---------------------------------------------------------------------------------------------


def test_keys_are_unique_over_all_tables_and_spell_variable_and_year(any_rows: pd.DataFrame) -> None:
    assert any_rows["key"].is_unique
    year = any_rows["year"].astype("string").fillna("undated")
    assert (any_rows["key"].str.rsplit(":", n=1).str[0] == any_rows["variable"] + ":" + year).all()


def test_year_is_the_closing_year_of_the_period(any_rows: pd.DataFrame) -> None:
    for period, first, last in zip(any_rows["period"], any_rows["year_from"], any_rows["year"], strict=True):
        if period.startswith("undated"):
            assert pd.isna(first)
            assert pd.isna(last)
            continue
        start, closing = re.fullmatch(r"(\d{4})(?:[/-](?:\d{2})?(\d{2}))?", period).groups()
        assert first == int(start)
        assert first <= last <= first + 13
        assert last % 100 == int(closing or start[2:])


def test_bounds_hold_the_value(any_rows: pd.DataFrame) -> None:
    assert (any_rows["low"].notna() == any_rows["high"].notna()).all()
    ranged = any_rows[any_rows["low"].notna()]
    assert len(ranged) > 0
    assert (ranged["low"] <= ranged["value"]).all()
    assert (ranged["value"] <= ranged["high"]).all()


def test_published_rows_have_an_address_and_recalled_ones_do_not_pretend(any_rows: pd.DataFrame) -> None:
    cited = any_rows[any_rows["table"] != "assumptions"]
    assert set(cited["confidence"]) == {"published", "recalled"}
    assert ((cited["confidence"] == "published") == cited["url"].notna()).all()
    assert cited["url"].dropna().str.match(r"https?://\S+$").all()


def test_no_outcome_is_later_than_membership_year_2011_12(rows: pd.DataFrame) -> None:
    outcomes = rows[rows["use"].notna()]
    assert set(outcomes["table"]) == set(OUTCOMES)
    assert outcomes["year"].max() == 2012
    assert (outcomes["year_from"] <= 2012).all()


def test_fit_rows_have_an_error_a_confidence_and_no_rival() -> None:
    fit = datasets.fit_rows("rwanda")
    assert (fit["sd"] > 0).all()
    assert fit["confidence"].isin(["published", "recalled"]).all()
    assert not fit.duplicated(["variable", "year"]).any()
    assert not fit.duplicated(["variable", "period"]).any()
    assert fit.groupby("variable").size().to_dict() == {
        "any_insurance_coverage_pop": 1,
        "cbhi_claims": 1,
        "cbhi_coverage_pop": 9,
        "cbhi_member_contributions": 1,
        "cbhi_other_expenses": 1,
        "outpatient_visits_pc": 5,
    }


def test_fit_and_check_rows_share_out_the_outcomes(rows: pd.DataFrame) -> None:
    fit, check = datasets.fit_rows("rwanda"), datasets.check_rows("rwanda")
    assert set(fit["use"]) == {"fit"}
    assert set(check["use"]) == {"check"}
    both = pd.concat([fit, check]).set_index("key")
    assert sorted(both.index) == sorted(rows.index[rows["use"].notna()])
    assert (both["table"] == rows.loc[both.index, "table"]).all()


def test_scenario_inputs_and_the_mayange_experiment_are_never_fitted(rows: pd.DataFrame) -> None:
    kept_out = rows["variable"].str.contains("subsidised|Mayange")
    assert kept_out.sum() == 4
    assert (rows.loc[kept_out, "use"] == "check").all()


# --- the figures ------------------------------------------------------------------------------------------

ANCHORS = [
    ("cbhi_coverage_pop:2003:1", 7, "%", 2, "fit", "published"),
    ("cbhi_coverage_pop:2004:1", 27, "%", 8, "fit", "published"),
    ("cbhi_coverage_pop:2005:1", 44, "%", 8, "fit", "recalled"),
    ("cbhi_coverage_pop:2006:2", 70, "%", 6, "fit", "published"),
    ("cbhi_coverage_pop:2007:1", 75, "%", 4, "fit", "published"),
    ("cbhi_coverage_pop:2008:1", 85, "%", 6, "fit", "published"),
    ("cbhi_coverage_pop:2011:1", 91, "%", 4, "fit", "published"),
    ("any_insurance_coverage_pop:2012:1", 96.15, "%", 3, "fit", "published"),
    ("outpatient_visits_pc:2003:1", 0.31, "visits/person/yr", 0.06, "fit", "recalled"),
    ("outpatient_visits_pc:2007:1", 0.7, "visits/person/yr", 0.08, "fit", "published"),
    ("outpatient_visits_pc:2012:1", 1.07, "visits/person/yr", 0.08, "fit", "published"),
    ("cbhi_member_contributions:2012:1", 17.58, "billion RWF", 3.5, "fit", "published"),
    ("cbhi_claims:2012:1", 17.01, "billion RWF", 2.5, "fit", "published"),
    ("indigents_subsidised:2012:1", 24.8, "% population", None, "check", "published"),
    ("premium_per_person:2007:1", 1000, "RWF/person/yr (from Jan 2007)", None, None, "published"),
    ("premium_per_person_tier3:2011:1", 7000, "RWF/person/yr", None, None, "published"),
    ("copay_health_centre:2007:1", 200, "RWF/visit", None, None, "published"),
    ("population:2007:1", 9549933, "persons", None, None, "published"),
    ("poverty_headcount:2006:1", 56.7, "%", None, None, "published"),
    ("mfi_wisigara_rate:undated:1", 24, "%/yr declining (full APR 30-111)", None, None, "published"),
    ("schemes_open:2004:1", 214, "schemes", None, None, "recalled"),
    ("trust_initial:1999:1", 0.4, "0-1", None, None, "assumption"),
]


@pytest.mark.parametrize(("key", "value", "unit", "sd", "use", "confidence"), ANCHORS, ids=lambda x: str(x))
def test_anchor_figure(
    rows: pd.DataFrame,
    key: str,
    value: float,
    unit: str,
    sd: float | None,
    use: str | None,
    confidence: str,
) -> None:
    row = rows.loc[key]
    assert row["value"] == value
    assert row["unit"] == unit
    assert row["confidence"] == confidence
    assert pd.isna(row["sd"]) if sd is None else row["sd"] == sd
    assert pd.isna(row["use"]) if use is None else row["use"] == use


def test_accounts_add_up(rows: pd.DataFrame) -> None:
    account = rows[rows["table"] == "accounts"].set_index("variable")["value"]
    income = account["cbhi_member_contributions"] + account["cbhi_other_income"]
    assert income == pytest.approx(account["cbhi_total_income"], abs=1e-9)
    spent = account["cbhi_claims"] + account["cbhi_other_expenses"]
    assert spent == pytest.approx(account["cbhi_total_expenditure"], abs=1e-9)
    assert income - spent == pytest.approx(account["cbhi_net_income"], abs=0.0101)  # printed after rounding


def test_census_households_times_size_give_the_census_population(rows: pd.DataFrame) -> None:
    size = rows.loc["population_census:2002:1", "value"] / rows.loc["households_census:2002:1", "value"]
    assert size == pytest.approx(rows.loc["household_size_census:2002:1", "high"], abs=0.005)


def test_world_bank_population_is_within_four_percent_of_both_censuses() -> None:
    estimate, census = datasets.series("rwanda", "population"), datasets.series("rwanda", "population_census")
    assert sorted(estimate) == list(range(1999, 2018))
    assert {year: estimate[year] / census[year] for year in census} == pytest.approx(
        {2002: 1.033, 2012: 1.030}, abs=0.001
    )


def test_income_shares_are_a_lorenz_curve_with_the_published_gini() -> None:
    """The second fifth, not printed, lies between its neighbours; so does the Gini it gives."""
    gini = datasets.series("rwanda", "gini_consumption_wb")
    names = ("lowest10", "lowest20", "third20", "fourth20", "highest10")
    shares = {name: datasets.series("rwanda", f"income_share_{name}") for name in names}
    assert len(gini) == 5
    for year, published in gini.items():
        low10, low20, third, fourth, top10 = (shares[name][year] for name in names)
        assert 2 * low10 <= low20 <= third <= fourth <= 2 * top10
        bounds = []
        for second in (low20, third):
            ninth = 100 - low20 - second - third - fourth - top10
            assert fourth / 2 <= ninth <= top10
            groups = [(10, low10), (10, low20 - low10), (20, second), (20, third), (20, fourth)]
            area, reached = 0.0, 0.0
            for people, share in [*groups, (10, ninth), (10, top10)]:
                area += people * (2 * reached + share)
                reached += share
            bounds.append(100 - area / 100)
        assert bounds[1] < published < bounds[0], year


def test_extreme_poverty_is_below_poverty_and_consumption_is_skewed() -> None:
    poor, extreme = (datasets.series("rwanda", v) for v in ("poverty_headcount", "extreme_poverty_headcount"))
    assert sorted(poor) == sorted(extreme) == [2001, 2006, 2011, 2014, 2017]
    assert all(extreme[year] < poor[year] for year in poor)
    mean = datasets.series("rwanda", "mean_monthly_consumption_pc")
    median = datasets.series("rwanda", "median_monthly_consumption_pc")
    bottom = datasets.series("rwanda", "bottom_decile_daily_consumption_pc")
    assert all(bottom[year] * 365 / 12 < median[year] < mean[year] for year in mean)


def test_premium_categories_share_out_everybody(rows: pd.DataFrame) -> None:
    shares = rows[rows["variable"].str.match("category_share_")]["value"]
    assert len(shares) == 3
    assert shares.sum() == pytest.approx(1, abs=1e-12)


def test_ubudehe_categories_fall_short_of_the_printed_total_by_1286_households(rows: pd.DataFrame) -> None:
    households = rows[rows["variable"].str.match(r"ubudehe_households_category_\d$")]["value"]
    assert rows.loc["ubudehe_households_total:2015:1", "value"] - households.sum() == 1286


def test_roll_out_of_schemes_only_grows() -> None:
    counts = list(datasets.series("rwanda", "schemes_open").values())
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (1, 403)


# --- reading ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_tables_are_typed_and_lose_nothing(name: str) -> None:
    table = datasets.load_table("rwanda", name)
    with (datasets.data_dir() / "rwanda" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        raw = list(csv.DictReader(file))
    assert list(table.columns) == list(raw[0])
    assert len(table) == len(raw)
    for column in table:
        texts = [row[column] for row in raw]
        given = [text for text in texts if text]
        assert table[column].isna().tolist() == [not text for text in texts]
        if column in ("year", "year_from"):
            assert table[column].dtype == "Int64"
            assert table[column].dropna().tolist() == [int(text) for text in given]
        elif column in ("value", "low", "high", "sd"):
            assert table[column].dtype == "float64"
            assert table[column].dropna().tolist() == [float(text) for text in given]
        else:
            assert isinstance(table[column].dtype, pd.StringDtype)
            assert table[column].dropna().tolist() == given == [text.strip() for text in given]


def test_a_caller_may_spoil_its_copy() -> None:
    table = datasets.load_table("rwanda", "prices")
    table["value"] = 0.0
    assert (datasets.load_table("rwanda", "prices")["value"] > 0).all()


@pytest.mark.parametrize(
    ("call", "suggestion", "also"),
    [
        (lambda: datasets.load_table("rwanda", "covrage"), "'covrage'; did you mean 'coverage'?", "prices"),
        (lambda: datasets.load_table("rwanda", "Prices"), "did you mean 'prices'?", "assumptions"),
        (lambda: datasets.table_names("Rwnada"), "country 'Rwnada'; did you mean 'rwanda'?", "rwanda"),
        (lambda: datasets.fit_rows("rwand"), "did you mean 'rwanda'?", "rwanda"),
        (lambda: datasets.series("rwanda", "schemes_opn"), "did you mean 'schemes_open'?", "trust_initial"),
        (lambda: datasets.series("rwanda", "population", "publishd"), "mean 'published'?", "recalled"),
    ],
)  # fmt: skip
def test_unknown_names_suggest_the_right_one_and_list_all(call, suggestion: str, also: str) -> None:
    with pytest.raises(ValueError, match="known: ") as caught:
        call()
    assert suggestion in str(caught.value)
    assert also in str(caught.value).split("known: ")[1]


def test_a_name_like_no_other_gets_the_list_without_a_guess() -> None:
    with pytest.raises(
        ValueError, match=r"unknown table of rwanda 'xyzzy'; known: coverage, use_of_care, acc"
    ):
        datasets.load_table("rwanda", "xyzzy")


def test_series_reads_inputs_and_assumptions() -> None:
    assert datasets.series("rwanda", "nurses_midwives") == {2005: 4989.0, 2008: 7088.0, 2010: 8202.0}
    assert datasets.series("rwanda", "gini_consumption_nisr") == {2011: 49.0, 2014: 45.0}
    assert datasets.series("rwanda", "premium_per_person") == {2007: 1000.0, 2008: 1000.0}
    assert datasets.series("rwanda", "nominal_growth_consumption") == {2012: 0.09}
    years = list(datasets.series("rwanda", "schemes_open"))
    assert years == sorted(years)
    assert {type(year) for year in years} == {int}
    assert datasets.series("rwanda", "schemes_open", "published") == {2000: 54.0, 2007: 403.0}
    assert datasets.series("rwanda", "schemes_open", source="november") == {2004: 214.0}


def test_series_refuses_rivals_until_one_is_chosen() -> None:
    with pytest.raises(ValueError, match="rival rows for the same year") as caught:
        datasets.series("rwanda", "cbhi_coverage_pop")
    message = str(caught.value)
    assert "cbhi_coverage_pop:2006:2 = 70 (published, Brookings 2007" in message
    assert [f"2008:{n} =" in message for n in (1, 2, 3, 4)] == [True, True, True, False]
    assert "cbhi_coverage_pop:2007:1" not in message
    assert datasets.series("rwanda", "cbhi_coverage_pop", source="HAKUZIMANA 2010 slides (h") == {
        2007: 75.0,
        2008: 85.0,
    }
    assert datasets.series("rwanda", "outpatient_visits_pc", "recalled") == {
        2003: 0.31,
        2005: 0.47,
        2010: 0.95,
    }


def test_series_refuses_to_mix_units() -> None:
    with pytest.raises(ValueError, match=r"different units \(.*2007:1 in RWF/visit; .*2012:1 in US\$/visit"):
        datasets.series("rwanda", "copay_health_centre")
    assert datasets.series("rwanda", "copay_health_centre", source="ILO") == {2007: 200.0}
    assert list(datasets.series("rwanda", "poverty_line_rwf")) == [
        2001,
        2006,
        2011,
    ]  # only price years differ


@pytest.mark.parametrize(
    ("variable", "filters", "reason"),
    [
        ("bpr_microcredit_term", {}, "only undated rows"),
        ("population", {"confidence": "recalled"}, "confidence 'recalled': no row"),
        ("population", {"source": "nowhere"}, "source 'nowhere': no row"),
    ],
)
def test_series_says_why_nothing_is_left(variable: str, filters: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        datasets.series("rwanda", variable, **filters)


@pytest.fixture
def other_country(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Stand in a country of one outcome table; yields a function that writes its fit rows."""

    def write(*lines: str) -> None:
        folder = tmp_path / "burundi"
        folder.mkdir(exist_ok=True)
        coverage = next(r for r in DESCRIPTOR["resources"] if r["path"] == "rwanda/coverage.csv")
        package = {"resources": [{**coverage, "name": "burundi-coverage", "path": "burundi/coverage.csv"}]}
        (tmp_path / "datapackage.json").write_text(json.dumps(package))
        head = ",".join(field["name"] for field in coverage["schema"]["fields"])
        (folder / "coverage.csv").write_text("\n".join([head, *lines, ""]), encoding="utf-8")

    monkeypatch.setattr(datasets, "data_dir", lambda: tmp_path)
    datasets._descriptor.cache_clear()
    yield write
    datasets._descriptor.cache_clear()


def test_another_country_needs_only_a_folder_and_its_resources(other_country) -> None:
    name = "cbhi_coverage_pop"
    other_country(
        f"{name}:2004:1,{name},2004,2004,2004,9,%,,,,check,recalled,mutuelle de santé,",
        f"{name}:2003:1,{name},2003,2003,2003,7,%,,,2,fit,recalled,NA,",
    )
    assert datasets.table_names("burundi") == ("coverage",)
    assert datasets.fit_rows("burundi")["source"].tolist() == ["NA"]  # text, not a missing value
    assert datasets.check_rows("burundi")["source"].tolist() == ["mutuelle de santé"]
    assert list(datasets.series("burundi", name)) == [2003, 2004]


@pytest.mark.parametrize(
    "lines",
    [
        ["c:2003:1,c,2003,2003,2003,7,%,,,,fit,recalled,x,"],
        ["c:2003:1,c,2003,2003,2003,7,%,,,0,fit,recalled,x,"],
        [
            "c:2003:1,c,2003,2003,2003,7,%,,,2,fit,recalled,x,",
            "c:2003:2,c,2003,2003,2003,8,%,,,2,fit,recalled,y,",
        ],
    ],
)
def test_fit_rows_refuses_rows_that_cannot_be_fitted(other_country, lines: list[str]) -> None:
    other_country(*lines)
    with pytest.raises(ValueError, match=r"burundi: a fit row needs an sd above 0 .* look at c:2003:1"):
        datasets.fit_rows("burundi")


def test_importing_the_module_does_not_load_pandas() -> None:
    source = Path(datasets.__file__)
    code = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location('datasets', {str(source)!r}); "
        "spec.loader.exec_module(importlib.util.module_from_spec(spec)); "
        "sys.exit(any(name in sys.modules for name in ('pandas', 'numpy', 'frictionless')))"
    )
    assert subprocess.run([sys.executable, "-c", code], env=os.environ, check=False).returncode == 0


# --- the documentation ------------------------------------------------------------------------------------


@pytest.mark.skipif(not DOCS.exists(), reason="docs are not part of this install")
def test_the_documentation_names_every_table_row_count_and_variable(rows: pd.DataFrame) -> None:
    text = DOCS.read_text(encoding="utf-8")
    counts = {
        name: int(number) for name, number in re.findall(r"^\| `(\w+)` \| (\d+) \|", text, re.MULTILINE)
    }
    assert counts == rows.groupby("table").size().to_dict()
    named = set(re.findall(r"^\| `([A-Za-z0-9_]+)` \| (?!\d)", text, re.MULTILINE))
    assert named == set(rows["variable"])
    for key in re.findall(r"`([A-Za-z0-9_]+:(?:\d{4}|undated):\d+)`", text):
        assert key in rows.index
