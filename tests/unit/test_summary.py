"""The summary that prints itself, and what a notebook shows."""

from __future__ import annotations

import dataclasses
import html
import re
from html.parser import HTMLParser

import numpy as np
import pytest

import cbhi
from cbhi.accounts import partners_as_table
from cbhi.published import published_as_table, yearly_as_table
from cbhi.results import Results
from cbhi.strata import stratified_names
from cbhi.summary import HEADLINE, changes_as_table, quintiles_as_table
from cbhi.tables import WIDTH, Table
from cbhi.variables import VARIABLES


@pytest.fixture(scope="module")
def results() -> Results:
    return cbhi.simulate("rwanda-rules", households=300, replicates=4, seed=2)


@pytest.fixture(scope="module")
def one() -> Results:
    return cbhi.simulate("rwanda-rules", households=100, seed=2)


def numbers(cell: str) -> list[float]:
    return [float(text.replace(",", "")) for text in re.findall(r"-?[\d,]*\.?\d+", cell)]


def row(table: Table, start: str) -> tuple[str, ...]:
    (found,) = [row for row in table.rows if row[0].strip().startswith(start)]
    return found


def test_headline_names_variables_once() -> None:
    names = [line.name for lines in HEADLINE.values() for line in lines]
    assert len(set(names)) == len(names)
    assert set(names) <= set(VARIABLES)


def test_it_fits_a_line_and_says_what_was_run(results: Results) -> None:
    text = str(results.summary())
    assert max(map(len, text.splitlines())) <= WIDTH
    for words in (
        "Rwanda, rules only: summary of results",
        "1999-07 to 2012-06",
        "300 at the start",
        results.scenario.fingerprint(),
        f"stands for {results.weight:,.4g}",
    ):
        assert words in text
    counts: dict[str, int] = {}
    for parameter in results.scenario.provenance():
        counts[parameter["confidence"]] = counts.get(parameter["confidence"], 0) + 1
    (said,) = [value for name, value in results.summary().facts if name == "Parameters"]
    assert said == ", ".join(f"{n} {confidence}" for confidence, n in sorted(counts.items()))
    # side by side, without a second panel
    assert results.summary().width <= WIDTH


def test_years_are_whole_and_the_last_is_among_them(results: Results, one: Results) -> None:
    head = results.summary().heads[0]
    assert head[-1] == "2012"
    assert len(head) > 2
    # without bands more years fit
    assert len(one.summary().heads[0]) > len(head)
    lengths = {label: end - begin for label, begin, end in results.periods}
    assert lengths["1999"] == lengths["2011"] == 6
    for table in (results.summary(), one.summary()):
        assert all(lengths[label] == 12 for label in table.heads[0][1:])
        assert list(table.heads[0][1:]) == sorted(set(table.heads[0][1:]))


def test_short_years_are_marked(results: Results) -> None:
    table = results.summary(["trust"], ["1999", "2000"])
    assert table.heads == (("", "1999", "2000"), ("", "6 months", "12 months"))
    cut = cbhi.simulate(cbhi.scenario("rwanda-rules").replace({}, end="1999-09"), households=50).summary()
    assert cut.heads[1] == ("", "3 months")


@pytest.mark.parametrize(
    ("label", "name", "factor", "digits"),
    [
        ("members, true, %", "coverage_end_share", 100.0, 1),
        ("visits", "visits_per_person_year", 1.0, 2),
        ("contributions, bn RWF", "contributions_rwf", 1e-9, 2),
        ("out-of-pocket, per person, RWF", "out_of_pocket_rwf_per_person_year", 1.0, 0),
        ("trust in the scheme, 0 to 1", "trust", 1.0, 3),
    ],
)
def test_cells_are_median_and_spread(
    results: Results, label: str, name: str, factor: float, digits: int
) -> None:
    table = results.summary()
    labels = results.period_labels()
    values = factor * results.values(name)[..., 0]
    for period, cell in zip(table.heads[0][1:], row(table, label)[1:], strict=True):
        column = values[:, labels.index(period)]
        expected = [np.median(column), np.quantile(column, 0.05), np.quantile(column, 0.95)]
        assert numbers(cell) == pytest.approx(expected, abs=0.5001 * 10.0**-digits)
        assert cell.count("[") == 1


def test_notes_say_what_the_band_is(results: Results, one: Results) -> None:
    said = " ".join(results.summary().notes)
    assert "Median of 4 runs [5 %, 95 % of the runs]" in said
    assert "spread over replicates, chance alone" in said
    assert "not the error of the mean" in said
    alone = one.summary()
    assert "One run, so no band" in alone.notes[0]
    assert not any("[" in cell for line in alone.rows for cell in line)


def test_what_has_no_value_is_a_dash_and_never_zero(results: Results) -> None:
    table = results.summary(["renewal_share", "loans"], ["1999"])
    assert row(table, "renewal_share")[1] == "-"
    assert numbers(row(table, "loans")[1]) == [0.0, 0.0, 0.0]
    assert any(note.startswith("-: no value") for note in table.notes)
    assert not any(note.startswith("-:") for note in results.summary(["trust"]).notes)


def test_every_variable_can_be_asked_for(results: Results) -> None:
    table = results.summary(list(VARIABLES), ["2000", "2012"])
    assert [line[0].split(",")[0] for line in table.rows] == list(VARIABLES)
    assert max(map(len, table.as_text().splitlines())) <= WIDTH
    assert results.summary("trust").rows == results.summary(["trust", "trust"]).rows


def test_all_years_fold_into_panels(results: Results) -> None:
    text = results.summary(["coverage_end_share"], results.period_labels()).as_text()
    assert max(map(len, text.splitlines())) <= WIDTH
    for label in results.period_labels():
        assert re.search(rf"\b{label}\b", text)
    assert text.count("coverage_end_share, %") > 1


@pytest.mark.parametrize(
    ("names", "periods", "message"),
    [
        (
            ["trst", "visit"],
            None,
            "unknown variable 'trst'; did you mean 'trust'.*'visit'.*all names: cbhi.VARI",
        ),
        ([], None, "names is empty; leave it out"),
        (["trust"], [], "periods is empty; leave it out"),
        (None, ["2013"], "'2013' is not a reporting year of this run; there are: 1999, 2000"),
    ],
)
def test_wrong_input(
    results: Results, names: list[str] | None, periods: list[str] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        results.summary(names, periods)


def test_quintiles(results: Results) -> None:
    table = quintiles_as_table(results)
    assert table.heads == (("", "1 poorest", "2", "3", "4", "5 richest"),)
    assert len(table.rows) == len(stratified_names("quintile"))
    assert "2012" in table.title
    median = 100.0 * np.median(results.values("coverage_end_share", by="quintile")[:, -1], axis=0)
    shown = [numbers(cell)[0] for cell in row(table, "members, true, %")[1:]]
    assert shown == pytest.approx(median, abs=0.051)
    earlier = quintiles_as_table(results, "2006")
    assert earlier.rows != table.rows
    with pytest.raises(ValueError, match="'206' is not a reporting year"):
        quintiles_as_table(results, "206")


def test_changes_are_what_scenario_and_events_set(results: Results) -> None:
    other = results.scenario.replace({"care.copayment_rwf": 123}, name="other")
    table = changes_as_table(dataclasses.replace(results, scenario=other))
    changed = {key for event in other.events for key in event.changes} | set(other.values)
    assert {line[0] for line in table.rows} == changed
    assert row(table, "care.copayment_rwf")[1:] == (
        "RWF per contact",
        "assumption",
        "given by the user",
        "123",
        "",
    )
    later = next(key for event in other.events for key in event.changes)
    assert row(table, later)[-1] == "yes"


class Checker(HTMLParser):
    """Check that tags close and that nothing is fetched or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.folds = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "img", "link", "iframe", "style", "object", "a")
        assert {name for name, _ in attrs} <= {"style"}
        self.open.append(tag)
        self.folds += tag == "details"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_notebooks_show_the_summary_and_fold_outs(results: Results) -> None:
    shown = results._repr_html_()
    checker = Checker()
    checker.feed(shown)
    assert checker.open == []
    assert checker.folds == 4
    for table in (
        results.summary(),
        partners_as_table(results),
        quintiles_as_table(results),
        published_as_table(results),
        changes_as_table(results),
    ):
        assert table.as_html() in shown
    # folded, so that the summary alone is seen first
    assert shown.index("summary of results") < shown.index("<details>")


def test_notebooks_escape_names(results: Results) -> None:
    name = "<script>alert('x')</script> & co"
    named = dataclasses.replace(results.scenario, name=name, country="")
    shown = dataclasses.replace(results, scenario=named)._repr_html_()
    checker = Checker()
    checker.feed(shown)
    assert checker.folds == 3  # nothing published
    assert html.escape(name) in shown


def test_the_published_table_is_made_once(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    import cbhi.published

    real = cbhi.published.compare_published
    monkeypatch.setattr(cbhi.published, "compare_published", lambda run: calls.append(1) or real(run))
    fresh = dataclasses.replace(results)
    first = cbhi.published.published_table(fresh)
    first["published"] = 0.0  # a reader's change stays the reader's
    published_as_table(fresh)
    assert (cbhi.published.published_table(fresh)["published"] > 0).any()
    assert len(calls) == 1


def test_tables_of_years_are_tables(one: Results) -> None:
    table = yearly_as_table(one)
    assert [line[0] for line in table.rows] == one.period_labels()
    assert table.as_csv().splitlines()[0].startswith("year,")
