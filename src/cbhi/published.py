"""The published figures beside the model: a frame, and the same as a table for people.

``READINGS`` says which variable of the results each published outcome is read against, and
``NOT_READ`` why the others have no counterpart. The published figure is brought to the model's unit.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi import datasets
from cbhi.kernels.records import F8
from cbhi.layouts import HOUSEHOLDS_PER_SECTION
from cbhi.results import Results
from cbhi.runs import find_year, is_closed
from cbhi.spread import quantiles_over_replicates, share_in_words
from cbhi.tables import Scale, Table, scale_of
from cbhi.variables import VARIABLES, are_added_up

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NOT_READ",
    "READINGS",
    "Reading",
    "closed_years",
    "compare_published",
    "count_sets",
    "describe_runs",
    "describe_shares",
    "describe_tolerance",
    "explain_size",
    "published_as_table",
    "published_table",
    "read_outcome",
    "yearly_as_table",
]


FEW_SETS = 20
"""Below this many parameter sets, what is said of the parameters' share is called rough."""

FEW_SECTIONS = 40
"""Below this many simulated sections, tables say that roll-out comes in steps."""


class Reading(NamedTuple):
    """How one published outcome is read in the results."""

    group: str
    label: str
    model: str  # a variable, or two joined by "+", "*" or "/"
    factor: float  # published unit to the unit of the model
    unit: str


_COVERAGE = "Mutuelle coverage"
_ANY = "Any insurance"
_VISITS = "Visits to a health facility"
_ACCOUNTS = "Accounts of the mutuelles"
_SUBSIDY = "Premiums paid by others"
_PER_CENT, _BILLION = 0.01, 1e9
_PER_YEAR = "visits per person per year"

# published variable: where it is shown, what it is called, what the model sets beside it, unit factor, unit
READINGS: dict[str, Reading] = {
    "cbhi_coverage_pop": Reading(
        _COVERAGE, "members, official", "coverage_administrative_share", _PER_CENT, "share"
    ),
    "pilot_enrolment_3_districts": Reading(
        _COVERAGE, "members, open schemes", "coverage_where_open_share", _PER_CENT, "share"
    ),
    "pilot_members_3_districts": Reading(
        _COVERAGE, "pilot members", "coverage_end_share * persons", 1.0, "persons"
    ),
    "any_insurance_coverage_pop": Reading(
        _ANY, "insured, official", "any_insurance_administrative_share", _PER_CENT, "share"
    ),
    "any_insurance_coverage_survey_EICV": Reading(
        _ANY, "insured, by survey", "any_insurance_share", _PER_CENT, "share"
    ),
    "rama_coverage_pop": Reading(_ANY, "in a formal scheme", "formal_share", _PER_CENT, "share"),
    "outpatient_visits_pc": Reading(_VISITS, "visits per person", "visits_per_person_year", 1.0, _PER_YEAR),
    "outpatient_visits_pc_pilot_members": Reading(
        _VISITS, "per pilot member", "visits_insured_per_person_year", 1.0, _PER_YEAR
    ),
    "outpatient_visits_pc_pilot_nonmembers": Reading(
        _VISITS, "per pilot non-member", "visits_uninsured_per_person_year", 1.0, _PER_YEAR
    ),
    "visits_ratio_member_nonmember": Reading(
        _VISITS,
        "member / non-member",
        "visits_insured_per_person_year / visits_uninsured_per_person_year",
        1.0,
        "ratio",
    ),
    "cbhi_member_contributions": Reading(
        _ACCOUNTS, "members' premiums", "contributions_rwf", _BILLION, "RWF"
    ),
    "cbhi_claims": Reading(_ACCOUNTS, "payments for care", "claims_paid_rwf", _BILLION, "RWF"),
    "cbhi_other_expenses": Reading(_ACCOUNTS, "other expenses", "administration_rwf", _BILLION, "RWF"),
    "cbhi_total_expenditure": Reading(
        _ACCOUNTS, "total expenditure", "claims_paid_rwf + administration_rwf", _BILLION, "RWF"
    ),
    "cbhi_total_income": Reading(_ACCOUNTS, "total income", "scheme_income_rwf", _BILLION, "RWF"),
    "cbhi_net_income": Reading(_ACCOUNTS, "net income", "scheme_net_income_rwf", _BILLION, "RWF"),
    "indigents_subsidised": Reading(_SUBSIDY, "people paid for", "subsidised_paid_share", _PER_CENT, "share"),
    "gfatm_subsidised_very_poor": Reading(
        _SUBSIDY, "people paid for", "subsidised_paid_share", _PER_CENT, "share"
    ),
}

NOT_READ: dict[str, str] = {
    "pilot_schemes": "an input of the roll-out",
    "kabutare_pilot_enrolment": "one district over five years",
    "visits_gain_from_zero_copay_full_cover_Mayange": "a scenario of its own",
    "visits_multiplier_zero_copay_Mayange": "a scenario of its own",
    "care_when_ill_ratio_insured_uninsured": "care sought is not kept by cover",
    "care_when_ill_insured": "care sought is not kept by cover",
    "care_when_ill_uninsured": "care sought is not kept by cover",
    "catastrophic_exp_ratio_uninsured_insured": "catastrophic spending is not kept by cover",
    "cbhi_other_income": "total income less members' premiums: both are read",
    "cbhi_admin_cost_share": "an upper bound, of an undefined revenue",
}

_COLUMNS = (
    "key", "period", "variable", "use", "confidence", "published", "sd", "model_median", "model_p05",
    "model_p95", "deviation_in_sd", "within_2_sd", "unit", "source",
)  # fmt: skip


def read_outcome(results: Results, model: str) -> F8:
    """Return the values of a reading, shape (replicates, periods).

    Parameters
    ----------
    results
        Results of any scenario.
    model
        A variable, or two joined by "+", "*" or "/" with spaces around, as in ``Reading.model``.
    """
    first, *rest = model.split()
    values = results.values(first)[..., 0]
    if rest:
        sign, second = rest
        other = results.values(second)[..., 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            if sign == "+":
                values = values + other
            elif sign == "*":
                values = values * other
            else:
                values = np.where(other > 0, values / other, np.nan)
    return values


def closed_years(results: Results) -> dict[int, tuple[int, int]]:
    """Return year -> (place, months) of the reporting years that close by themselves.

    A published figure of a year is read in it even where it has fewer than twelve months; what is shown of a
    run unless told otherwise is its last complete year, ``cbhi.runs.last_whole_year``.

    Parameters
    ----------
    results
        Results of any scenario.

    Returns
    -------
    dict of int to (int, int)
        Year in which the period closes -> its place in ``results.periods`` and its length.
    """
    found: dict[int, tuple[int, int]] = {}
    for place, period in enumerate(results.periods):
        if is_closed(period):
            found.setdefault(int(period[0]), (place, period[2] - period[1]))
    return found


def published_table(results: Results) -> pd.DataFrame:
    """Set every published outcome that the run simulates beside the model.

    Parameters
    ----------
    results
        Results of a scenario with a country.

    Returns
    -------
    pandas.DataFrame
        One row a published figure, in the order of ``READINGS`` and by year: ``key``, ``period`` (the
        reporting year), ``variable`` (of the model), ``use`` (``fit`` or ``check``), ``confidence``,
        ``published`` and its ``sd`` in the unit of the model, median and 5 and 95 % quantiles over
        replicates, ``deviation_in_sd`` (median less published, over sd), ``within_2_sd`` (missing where no
        sd is given or the model has no value), ``unit``, ``source``. Money is compared over whole years
        only.

    Raises
    ------
    ValueError
        When the scenario has no country.
    """
    return results._published_rows[list(_COLUMNS)].copy()


def compare_published(results: Results) -> pd.DataFrame:
    """Return the rows of ``published_table`` with group, label and order of each; ``Results`` keeps them."""
    import pandas as pd

    country = results.scenario.country
    if not country:
        raise ValueError(f"scenario '{results.scenario.name}' has no country, so no published figures")
    outcomes = pd.concat([datasets.fit_rows(country), datasets.check_rows(country)], ignore_index=True)
    periods = closed_years(results)
    order = {name: number for number, name in enumerate(READINGS)}
    values = {
        name: read_outcome(results, READINGS[name].model)
        for name in sorted(set(outcomes["variable"]) & set(READINGS))
    }
    rows: list[dict[str, Any]] = []
    for row in outcomes.to_dict("records"):
        reading = READINGS.get(row["variable"])
        if reading is None or pd.isna(row["year"]) or int(row["year"]) not in periods:
            continue
        place, months = periods[int(row["year"])]
        if reading.unit == "RWF" and months != 12:
            continue
        low, median, high = quantiles_over_replicates(values[row["variable"]][:, place]).tolist()
        published = row["value"] * reading.factor
        sd = row["sd"] * reading.factor
        deviation = (median - published) / sd
        rows.append(
            {
                "key": row["key"],
                "period": results.periods[place][0],
                "variable": reading.model,
                "use": row["use"],
                "confidence": row["confidence"],
                "published": published,
                "sd": sd,
                "model_median": median,
                "model_p05": low,
                "model_p95": high,
                "deviation_in_sd": deviation,
                "within_2_sd": None if math.isnan(deviation) else abs(deviation) <= 2.0,
                "unit": reading.unit,
                "source": row["source"],
                "group": reading.group,
                "label": reading.label,
                "order": order[row["variable"]],
            }
        )
    frame = pd.DataFrame(rows, columns=[*_COLUMNS, "group", "label", "order"])
    frame["within_2_sd"] = frame["within_2_sd"].astype("boolean")
    return frame.sort_values(["order", "period", "key"], kind="stable", ignore_index=True)


def _scale(unit: str) -> Scale:
    """Return the scale of a published outcome; the same in every year, so that years can be compared."""
    if unit == "RWF":
        return Scale(1e-9, "bn RWF", 2)
    if unit == "persons":
        return Scale(1e-3, "1,000s", 1)
    return scale_of(unit, math.nan) if unit == "share" else Scale(1.0, "", 2)


_SHARED = (
    ("members", "coverage_end_share"),
    ("visits", "visits_per_person_year"),
    ("premiums", "contributions_rwf"),
    ("claims", "claims_paid_rwf"),
    ("households with catastrophic spending", "catastrophic_share"),
)
"""Whose parameters' share of the variance is told below a table."""


def describe_runs(results: Results) -> str:
    """Say what the 5-95 % band of results is, and what it is not."""
    n = results.n_replicates
    if n == 1:
        return "One run, so no band; more replicates show how much of the model's figure is chance."
    if results.clusters is None:
        return (
            f"5-95 %: the spread of {n} runs, which is chance alone; it holds no doubt about the parameters."
        )
    return (
        f"5-95 %: parameters and chance, the spread of {n} runs with {count_sets(results.n_param_sets)}."
        f" {describe_shares(results)}"
    )


def count_sets(number: int) -> str:
    """Return so many parameter sets, in words.

    Parameters
    ----------
    number
        How many there are.
    """
    return "one parameter set" if number == 1 else f"{number:,} parameter sets"


def describe_tolerance(results: Results) -> tuple[str, ...]:
    """Say what was asked of the error of a mean and what was reached, if it was asked for."""
    return () if results.tolerance is None else (str(results.tolerance),)


def describe_shares(results: Results) -> str:
    """Say which share of the spread is the parameters', with the 90 % interval of that share.

    Parameters
    ----------
    results
        Results with parameter sets.

    Returns
    -------
    str
        Of the main outcomes in the last complete year, or why nothing can be said.
    """
    place = find_year(results.periods, None)
    told = [(label, share_in_words(results, name, place)) for label, name in _SHARED]
    known = [f"{label} {share}" for label, share in told if share]
    if not known:
        return "More replicates (four or more) show which share of it is the parameters'."
    few = "" if results.n_param_sets >= FEW_SETS else "; few sets, so the shares are rough"
    return (
        f"Parameters' share of the variance in {results.periods[place][0]} (90 % interval):"
        f" {', '.join(known)}; the rest is chance in runs of {results.households:,} households{few}."
    )


def explain_size(results: Results) -> tuple[str, ...]:
    """Say what a small number of simulated sections means, where it is small."""
    n = int(np.count_nonzero(results.arrays.opening_people.any(axis=(0, 2))))
    where = "" if are_added_up(results.arrays.districts) else f", in {n} district"
    sections = max(1, results.households // HOUSEHOLDS_PER_SECTION)
    if sections >= FEW_SECTIONS:
        return ()
    return (
        f"Few sections are simulated ({sections}{where}{'s' if where and n > 1 else ''}): how schemes spread"
        " over the country comes in steps, and the band does not show it; 20,000 households simulate 80"
        " sections.",
    )


def _title(results: Results, what: str) -> str:
    n = results.n_replicates
    runs = "one run" if n == 1 else f"{n} runs"
    return f"{results.scenario.name}: {what} ({runs} of {results.households:,} households)"


def _verdict(within: Any) -> str:
    import pandas as pd

    return "-" if within is None or pd.isna(within) else ("yes" if within else "NO")


def _misses(rows: pd.DataFrame) -> list[str]:
    """Return the fitted figures that do not lie within two standard errors."""
    found = []
    for row in rows[rows["use"] == "fit"].to_dict("records"):
        if _verdict(row["within_2_sd"]) != "yes":
            show = _scale(row["unit"]).show
            figures = f"{show(row['published'])}, model {show(row['model_median'])}"
            found.append(f"{row['label']} {row['period']} ({figures})")
    return found


def published_as_table(results: Results) -> Table:
    """Return the published figures beside the model, one row a figure.

    Parameters
    ----------
    results
        Results of a scenario with a country.

    Returns
    -------
    cbhi.tables.Table
        Groups of outcomes, year by year; the last note counts the fitted figures within two standard errors
        and names every miss.

    Raises
    ------
    ValueError
        When the scenario has no country.
    """
    frame = results._published_rows
    rows: list[tuple[str, ...]] = []
    group = ""
    for row in frame.to_dict("records"):
        if row["group"] != group:
            group = row["group"]
            rows.append((group, *[""] * 7))
        scale = _scale(row["unit"])
        low, high = scale.show(row["model_p05"]), scale.show(row["model_p95"])
        label = f"  {row['label']}, {scale.unit}" if scale.unit else f"  {row['label']}"
        rows.append(
            (
                label,
                row["period"],
                scale.show(row["published"]) + ("*" if row["confidence"] == "recalled" else " "),
                scale.show(row["sd"]),
                scale.show(row["model_median"]),
                "-" if low == "-" else f"{low} to {high}",
                _verdict(row["within_2_sd"]),
                "not fitted" if row["use"] == "check" else "",
            )
        )
    fitted, misses = int((frame["use"] == "fit").sum()), _misses(frame)
    score = f"{fitted - len(misses)} of {fitted} fitted figures within two standard errors"
    if misses:
        score += "; misses: " + ", ".join(misses)
    return Table(
        title=_title(results, "published figures beside the model"),
        heads=(("", "year", "published ", "s.e.", "model", "5-95 %", "within", ""),),
        rows=tuple(rows),
        notes=(
            describe_runs(results),
            *describe_tolerance(results),
            *explain_size(results),
            "within: the median lies within two standard errors (s.e., assumed) of the published figure.",
            "not fitted: only compared, never part of a fit.  *: recalled, without a source.",
            score,
        ),
        n_labels=2,
    )


_YEARLY = (
    ("members", "coverage_end_share"),
    ("visits/person", "visits_per_person_year"),
    ("premiums", "contributions_rwf"),
    ("claims", "claims_paid_rwf"),
    ("reserves", "reserves_rwf"),
)


def yearly_as_table(results: Results) -> Table:
    """Return the main results by reporting year: medians over replicates.

    Parameters
    ----------
    results
        Results of any scenario.

    Returns
    -------
    cbhi.tables.Table
        One row a reporting year; the 5-95 % spread stands below the median where there is more than one run.
    """
    heads, medians, bands = ["year"], [], []
    for title, name in _YEARLY:
        low, median, high = quantiles_over_replicates(results.values(name)[..., 0])
        unit = VARIABLES[name].unit
        known = np.abs([low, high])
        scale = scale_of(unit, float(np.nanmax(known)) if np.isfinite(known).any() else math.nan)
        heads.append(f"{title}, {scale.unit}" if unit in ("share", "RWF") else title)
        medians.append([scale.show(value) for value in median])
        bands.append([f"{scale.show(a)} to {scale.show(b)}" for a, b in zip(low, high, strict=True)])
    rows = []
    for place, label in enumerate(results.period_labels()):
        rows.append((label, *(column[place] for column in medians)))
        if results.n_replicates > 1:
            rows.append(("", *(column[place] for column in bands)))
    return Table(
        title=_title(results, "the years"),
        heads=(tuple(heads),),
        rows=tuple(rows),
        notes=(describe_runs(results), *describe_tolerance(results), *explain_size(results)),
    )
