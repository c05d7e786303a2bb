"""Results at a glance: the table that prints itself, and what a notebook shows."""

from __future__ import annotations

import html
import math
import textwrap
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cbhi.accounts import partners_as_table
from cbhi.kernels.records import F8
from cbhi.months import format_month
from cbhi.published import (
    count_sets,
    describe_shares,
    describe_tolerance,
    explain_size,
    published_as_table,
)
from cbhi.results import Results
from cbhi.runs import find_year, whole_years
from cbhi.spread import quantiles_over_replicates
from cbhi.strata import stratified_names
from cbhi.tables import WIDTH, Scale, Table, scale_of
from cbhi.variables import VARIABLES
from cbhi.words import suggest

__all__ = ["HEADLINE", "changes_as_table", "notebook_html", "quintiles_as_table", "summarise"]


class Line(NamedTuple):
    """One row of the summary: a variable and the few words that it goes by."""

    name: str
    label: str


HEADLINE: dict[str, tuple[Line, ...]] = {
    "Coverage": (
        Line("coverage_end_share", "members, true"),
        Line("coverage_administrative_share", "members, official count"),
        Line("coverage_share", "insured person-months"),
        Line("any_insurance_share", "any insurance"),
        Line("subsidised_paid_share", "paid for by others"),
    ),
    "Renewal, of those due": (
        Line("renewal_share", "renewed"),
        Line("lapse_unaffordable_share", "lapsed: could not pay"),
        Line("lapse_unwilling_share", "lapsed: did not wish to"),
        Line("lapse_inattentive_share", "lapsed: not in time"),
        Line("lapse_subsidy_lost_share", "lapsed: lost the subsidy"),
    ),
    "Care, per person per year": (
        Line("visits_per_person_year", "visits"),
        Line("admissions_per_person_year", "admissions"),
        Line("forgone_care_per_person_year", "episodes without care"),
        Line("forgone_price_per_person_year", "  over the price, expected"),
        Line("forgone_distance_per_person_year", "  over the distance, expected"),
        Line("forgone_service_per_person_year", "  over the service, expected"),
        Line("forgone_no_felt_need_per_person_year", "  no felt need, expected"),
        Line("forgone_cash_per_person_year", "  for want of cash"),
        Line("forgone_capacity_per_person_year", "  turned away, no capacity"),
        Line("forgone_refused_per_person_year", "  turned away over arrears"),
    ),
    "Households, per year": (
        Line("out_of_pocket_rwf_per_person_year", "out-of-pocket, per person"),
        Line("catastrophic_share", "catastrophic spending"),
    ),
    "Scheme": (
        Line("contributions_rwf", "contributions"),
        Line("subsidies_rwf", "subsidies"),
        Line("claims_paid_rwf", "claims paid"),
        Line("administration_rwf", "administration"),
        Line("scheme_net_income_rwf", "net income"),
        Line("reserves_rwf", "reserves"),
        Line("arrears_rwf", "claims unpaid"),
        Line("arrears_months", "claims overdue"),
    ),
    "Providers and trust": (
        Line("load", "contacts over capacity"),
        Line("wait_hours", "waiting"),
        Line("quality", "quality of care"),
        Line("trust", "trust in the scheme"),
    ),
    "Premium loans": (
        Line("loans", "granted"),
        Line("loans_rwf", "granted, sum"),
        Line("loans_outstanding_rwf", "outstanding"),
        Line("loans_late_share", "months late"),
    ),
}
"""Group to its rows, in the order of the table."""

_LABELS = {line.name: line.label.strip() for lines in HEADLINE.values() for line in lines} | {
    "formal_share": "in a formal scheme",
    "subsidised_share": "hold a subsidy slot",
    "enrolled_by_loan": "enrolled by a loan",
    "enrolled_by_group": "enrolled by an association",
}
_MOST_YEARS = 8
_PER_PERSON = "per person per year"


def summarise(
    results: Results, names: Sequence[str] | None = None, periods: Sequence[str] | None = None
) -> Table:
    """Return what was run and its main results; see ``Results.summary``."""
    groups = HEADLINE if names is None else {"": tuple(Line(name, name) for name in _checked(names))}
    spreads = {
        line.name: quantiles_over_replicates(results.values(line.name)[..., 0], (0.5, 0.05, 0.95))
        for lines in groups.values()
        for line in lines
    }
    if periods is not None:
        return _table(results, groups, spreads, _places(results, periods))
    # whole years where there are any, else what there is
    known = whole_years(results.periods) or list(range(len(results.periods)))
    for count in range(min(_MOST_YEARS, len(known)), 0, -1):
        # evenly spaced, the last complete year among them
        chosen = sorted({known[round(i)] for i in np.linspace(len(known) - 1, 0, count)})
        table = _table(results, groups, spreads, chosen)
        if table.width <= WIDTH:
            break
    return table


def _checked(names: Sequence[str]) -> list[str]:
    """Return the names asked for, each once; unknown ones are all named."""
    wanted = [names] if isinstance(names, str) else list(names)
    if not wanted:
        raise ValueError("names is empty; leave it out for the headline variables")
    unknown = [f"'{name}'{suggest(name, VARIABLES)}" for name in wanted if name not in VARIABLES]
    if unknown:
        raise ValueError(f"unknown variable {', '.join(unknown)}; all names: cbhi.VARIABLES")
    return list(dict.fromkeys(wanted))


def _places(results: Results, periods: Sequence[str]) -> list[int]:
    """Return the places of the reporting years asked for."""
    wanted = [periods] if isinstance(periods, str) else [str(label) for label in periods]
    if not wanted:
        raise ValueError("periods is empty; leave it out for a choice of years")
    return [find_year(results.periods, label) for label in dict.fromkeys(wanted)]


def _scale_for(name: str, values: F8) -> Scale:
    """Return the scale in which all of a row's figures are easy to read."""
    known = np.abs(values[np.isfinite(values)])
    return scale_of(VARIABLES[name].unit, float(known.max(initial=0.0)) if known.size else math.nan)


def _unit(scale: Scale, group: str) -> str:
    """Return what to write after a label; the head of a group may already say it."""
    unit = scale.unit.removesuffix(f" {_PER_PERSON}") if _PER_PERSON in group else scale.unit
    unit = unit.replace("RWF per person per year", "RWF")
    return "" if unit in ("visits", "admissions", "episodes", "contacts") and _PER_PERSON in group else unit


def _cell(scale: Scale, spread: F8, n_replicates: int) -> str:
    median, low, high = (scale.show(value) for value in spread)
    return median if n_replicates == 1 or median == "-" else f"{median} [{low}, {high}]"


def _row(results: Results, line: Line, group: str, spread: F8) -> tuple[str, ...]:
    """Return the row of one variable; ``spread`` holds (median, 5 %, 95 %) by column."""
    scale = _scale_for(line.name, spread)
    unit = _unit(scale, group)
    indent = "  " if group else ""
    cells = (_cell(scale, column, results.n_replicates) for column in spread.T)
    return (f"{indent}{line.label}, {unit}" if unit else f"{indent}{line.label}", *cells)


def _table(
    results: Results,
    groups: dict[str, tuple[Line, ...]],
    spreads: dict[str, F8],
    places: Sequence[int],
) -> Table:
    rows: list[tuple[str, ...]] = []
    for group, lines in groups.items():
        if group:
            rows.append((group, *[""] * len(places)))
        rows += [_row(results, line, group, spreads[line.name][:, places]) for line in lines]
    heads = [("", *(results.periods[place][0] for place in places))]
    months = [results.periods[place][2] - results.periods[place][1] for place in places]
    if set(months) != {12}:
        heads.append(("", *(f"{n} months" for n in months)))
    notes = [*_band_notes(results), *describe_tolerance(results)]
    if any(cell == "-" for row in rows for cell in row[1:]):
        notes.append("-: no value, because there was nobody or nothing to count.")
    notes.append(
        "Members, reserves and what is unpaid or outstanding: at the close of the year. People and money at"
        " national scale. More: cbhi.VARIABLES."
    )
    return Table(
        title=f"{results.scenario.name}: summary of results",
        facts=_facts(results),
        heads=tuple(heads),
        rows=tuple(rows),
        notes=tuple(notes),
    )


def _band_notes(results: Results) -> tuple[str, ...]:
    n = results.n_replicates
    if n == 1:
        one = "One run, so no band; more replicates show how much of a figure is chance."
        return (one, *explain_size(results))
    if results.clusters is not None:
        return (
            f"Median of {n} runs [5 %, 95 % of the runs] with {count_sets(results.n_param_sets)}. The band"
            " holds doubt about the parameters and chance; it is not the error of the mean (mean_ci)."
            f" {describe_shares(results)}",
            *explain_size(results),
        )
    return (
        f"Median of {n} runs [5 %, 95 % of the runs]. The band is the spread over replicates, chance alone:"
        " it holds no doubt about the parameters, and it is not the error of the mean (mean_ci).",
        *explain_size(results),
    )


def _sets(results: Results) -> str:
    """Return how many parameter sets were simulated, of how many, or nothing without sets."""
    sets = results.scenario.sets
    return "" if sets is None else f", {results.n_param_sets:,} of {len(sets):,} parameter sets"


def _facts(results: Results) -> tuple[tuple[str, str], ...]:
    """Return what was run, as pairs of name and value."""
    s = results.scenario
    counts = Counter(row["confidence"] for row in s.provenance())
    return (
        ("Scenario", textwrap.shorten(s.name, 60, placeholder=" ...")),
        ("Span", f"{format_month(s.start)} to {format_month(s.end)}"),
        ("Households", f"{results.households:,} at the start"),
        ("Replicates", f"{results.n_replicates:,}{_sets(results)}"),
        ("Seed", str(results.seed)),
        ("One simulated person", f"stands for {results.weight:,.4g}"),
        ("Fingerprint", s.fingerprint()),
        ("Parameters", ", ".join(f"{n} {confidence}" for confidence, n in sorted(counts.items()))),
    )


def quintiles_as_table(results: Results, period: str | None = None) -> Table:
    """Return what is kept by quintile of consumption, in one reporting year.

    Parameters
    ----------
    results
        Results of any scenario.
    period
        Label of a reporting year; the last complete one if not given.

    Returns
    -------
    cbhi.tables.Table
        One row a variable, one column a quintile, poorest first: median over replicates, with their 5-95 %
        spread where there are several.

    Raises
    ------
    ValueError
        For a label that is no reporting year of the run.
    """
    place = find_year(results.periods, period)
    rows = []
    for name in stratified_names("quintile"):
        values = results.values(name, by="quintile")[:, place]
        line = Line(name, _LABELS.get(name, VARIABLES[name].about))
        spread = quantiles_over_replicates(values, (0.5, 0.05, 0.95))
        label, *cells = _row(results, line, _PER_PERSON, spread)
        rows.append((label.strip(), *cells))
    names = [f"{number}" for number in range(1, len(rows[0]))]
    names[0], names[-1] = f"{names[0]} poorest", f"{names[-1]} richest"
    return Table(
        title=f"{results.scenario.name}: by quintile of consumption, {results.periods[place][0]}",
        heads=(("", *names),),
        rows=tuple(rows),
        notes=(f"Visits and out-of-pocket: {_PER_PERSON}.", *_band_notes(results)),
    )


def changes_as_table(results: Results) -> Table:
    """Return the parameters that the scenario sets or its events change, each with source and confidence.

    Parameters
    ----------
    results
        Results of any scenario.
    """
    s = results.scenario
    rows = []
    for row in s.provenance():
        if row["key"] in s.values or row["changed_by_events"]:
            value = f"{len(row['value'])} values" if isinstance(row["value"], dict) else str(row["value"])
            rows.append(
                (
                    row["key"],
                    row["unit"],
                    row["confidence"],
                    textwrap.shorten(row["source"], 90, placeholder=" ..."),
                    textwrap.shorten(value, 30, placeholder=" ..."),
                    "yes" if row["changed_by_events"] else "",
                )
            )
    return Table(
        title=f"{s.name}: {len(rows)} parameters that differ from the defaults or change on the way",
        heads=(("parameter", "unit", "confidence", "source", "at the start", "changed later"),),
        rows=tuple(rows),
        n_labels=4,
    )


def notebook_html(results: Results) -> str:
    """Return the summary and fold-outs as HTML without scripts, styles or anything from elsewhere.

    Parameters
    ----------
    results
        Results of any scenario.
    """
    folds = [
        ("Accounts of the partners", partners_as_table(results)),
        ("Quintiles", quintiles_as_table(results)),
    ]
    if results.scenario.country:
        folds.append(("Published figures beside the model", published_as_table(results)))
    folds.append(("Parameters changed, with source and confidence", changes_as_table(results)))
    parts = ["<div>", summarise(results).as_html()]
    for title, table in folds:
        parts += [
            "<details>",
            f"<summary>{html.escape(title)}</summary>",
            table.as_html(),
            "</details>",
        ]
    return "\n".join([*parts, "</div>"])
