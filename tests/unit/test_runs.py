"""Which reporting years are whole, shared, or meant by a label: one answer for every table."""

from __future__ import annotations

import pytest

import cbhi
from cbhi.months import parse_month
from cbhi.packing import pack_calendar, pack_rules, reporting_periods
from cbhi.runs import (
    Period,
    common_years,
    describe_span,
    find_year,
    is_closed,
    is_whole,
    last_whole_year,
    whole_years,
)

# half a year, a whole one, the half year between two calendars, a whole one, and what the end cuts short
YEARS: list[Period] = [
    ("1999", 0, 6), ("2000", 6, 18), ("2001", 18, 24), ("2002", 24, 36), ("2003 (3 months)", 36, 39),
]  # fmt: skip


def test_whole_closed_and_cut_short() -> None:
    assert [is_closed(year) for year in YEARS] == [True, True, True, True, False]
    assert [is_whole(year) for year in YEARS] == [False, True, False, True, False]
    assert whole_years(YEARS) == [1, 3]
    # twelve months of a longer year are not all of it
    assert not is_whole(("2004 (12 months)", 0, 12))


def test_the_last_complete_year() -> None:
    assert last_whole_year(YEARS) == 3
    assert last_whole_year(YEARS[:3]) == 1  # not the half year between two calendars
    assert last_whole_year([YEARS[0], ("2000 (4 months)", 6, 10)]) == 0
    assert last_whole_year([("2000 (4 months)", 0, 4)]) == 0


def test_the_half_year_between_calendars_is_not_the_last_complete_one() -> None:
    scenario = cbhi.scenario("rwanda-rules").replace({}, end="2011-06")
    periods = reporting_periods(scenario, pack_calendar(scenario, pack_rules(scenario)))
    assert (periods[-1][0], periods[-1][2] - periods[-1][1]) == ("2011", 6)
    assert periods[last_whole_year(periods)][0] == "2010"


def test_a_label_names_a_year() -> None:
    assert find_year(YEARS, "2001") == 2
    assert find_year(YEARS, None) == 3
    assert find_year([("2000", 0, 6), ("2000", 6, 12)], "2000") == 0
    with pytest.raises(
        ValueError, match=r"'2033' is not a reporting year of this run.*; there are: 1999, 2000"
    ):
        find_year(YEARS, "2033")


def test_common_years_have_the_same_months() -> None:
    start = parse_month("1999-07")
    later = parse_month("2000-04")
    other: list[Period] = [("2000", 0, 9), ("2001", 9, 15), ("2002", 15, 27)]
    assert common_years([(start, YEARS), (later, other)]) == [("2001", [2, 1]), ("2002", [3, 2])]
    assert [label for label, _ in common_years([(start, YEARS)])] == [label for label, _, _ in YEARS]
    assert common_years([(start, YEARS), (start + 1, YEARS)]) == []


def test_spans_in_words() -> None:
    assert describe_span(parse_month("1999-07"), YEARS[2]) == "2001-01 to 2001-06"
