"""The published figures beside the model: a table, and the same as text for a terminal.

``READINGS`` says which variable of the results each published outcome is read against, and
``NOT_READ`` why the others have no counterpart. The published figure is brought to the model's unit.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi import datasets
from cbhi.kernels.records import F8
from cbhi.results import Results
from cbhi.variables import VARIABLES

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NOT_READ",
    "READINGS",
    "Reading",
    "complete_periods",
    "format_published",
    "format_yearly",
    "published_table",
]


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


def _model_values(results: Results, model: str) -> F8:
    """Return the values of a reading, shape (replicates, periods)."""
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


def _spread(values: F8) -> tuple[float, float, float]:
    """Return median, 5 % and 95 % quantile of the replicates that have a value, or not-a-number."""
    known = values[~np.isnan(values)]
    if known.size == 0:
        return (math.nan, math.nan, math.nan)
    median, low, high = np.quantile(known, (0.5, 0.05, 0.95))
    return float(median), float(low), float(high)


def complete_periods(results: Results) -> dict[int, tuple[int, int]]:
    """Return year -> (place, months) of the reporting years, less a last one that the run cuts short.

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
    for place, (label, begin, end) in enumerate(results.periods):
        if label.isdigit():
            found.setdefault(int(label), (place, end - begin))
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
    return _rows(results)[list(_COLUMNS)]


def _rows(results: Results) -> pd.DataFrame:
    import pandas as pd

    country = results.scenario.country
    if not country:
        raise ValueError(f"scenario '{results.scenario.name}' has no country, so no published figures")
    outcomes = pd.concat([datasets.fit_rows(country), datasets.check_rows(country)], ignore_index=True)
    periods = complete_periods(results)
    order = {name: number for number, name in enumerate(READINGS)}
    values = {
        name: _model_values(results, READINGS[name].model)
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
        median, low, high = _spread(values[row["variable"]][:, place])
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


def _shown(unit: str) -> tuple[float, int, str]:
    """Return (factor, decimals, unit as printed) for figures on the terminal."""
    if unit == "share":
        return 100.0, 1, ", %"
    if unit == "RWF":
        return 1e-9, 2, ", bn RWF"
    if unit == "persons":
        return 1e-3, 1, ", 1,000s"
    return 1.0, 2, ""


def _figure(value: float, unit: str) -> str:
    factor, decimals, _ = _shown(unit)
    return "-" if math.isnan(value) else f"{value * factor:,.{decimals}f}"


def _band(low: float, high: float, unit: str) -> str:
    return "-" if math.isnan(low) else f"{_figure(low, unit)} to {_figure(high, unit)}"


def _runs(results: Results) -> str:
    """Say what the band is."""
    n = results.n_replicates
    if n == 1:
        return "The band is one run; more replicates show how much of the model's figure is chance."
    return f"5-95 %: the band of {n} runs, which is chance alone; it holds no doubt about the parameters."


def _head(results: Results, what: str) -> str:
    n = results.n_replicates
    runs = "one run" if n == 1 else f"{n} runs"
    return f"{results.scenario.name}: {what} ({runs} of {results.households:,} households)"


def format_published(results: Results) -> str:
    """Return the published figures beside the model as fixed-width text, one line a figure.

    Parameters
    ----------
    results
        Results of a scenario with a country.

    Returns
    -------
    str
        Groups of outcomes, year by year; the last lines count the fitted figures within two standard
        errors and name every miss.

    Raises
    ------
    ValueError
        When the scenario has no country.
    """
    import pandas as pd

    frame = _rows(results)
    lines = [_head(results, "published figures beside the model"), ""]
    lines.append(f"{'year':>6}  {'':<27}{'published':>9} {'s.e.':>5}{'model':>8}{'5-95 %':>17}  within")
    misses = []
    group = ""
    for row in frame.to_dict("records"):
        if row["group"] != group:
            group = row["group"]
            lines.append(group)
        unit, within = row["unit"], row["within_2_sd"]
        verdict = "-" if within is None or pd.isna(within) else ("yes" if within else "NO")
        note = "  not fitted" if row["use"] == "check" else ""
        mark = "*" if row["confidence"] == "recalled" else " "
        published, model = _figure(row["published"], unit), _figure(row["model_median"], unit)
        lines.append(
            f"{row['period']:>6}  {row['label'] + _shown(unit)[2]:<27}{published:>9}{mark}"
            f"{_figure(row['sd'], unit):>5}{model:>8}{_band(row['model_p05'], row['model_p95'], unit):>17}"
            f"{verdict:>6}{note}"
        )
        if row["use"] == "fit" and verdict != "yes":
            misses.append(f"{row['label']} {row['period']} ({published}, model {model})")
    fitted = int((frame["use"] == "fit").sum())
    score = f"{fitted - len(misses)} of {fitted} fitted figures within two standard errors"
    if misses:
        score += "; misses: " + ", ".join(misses)
    notes = (
        _runs(results),
        "within: the median lies within two standard errors (s.e., assumed) of the published figure.",
        "not fitted: only compared, never part of a fit.  *: recalled, without a source.",
        score,
    )
    return "\n".join([*lines, "", *(line for note in notes for line in textwrap.wrap(note, _WIDTH))])


_WIDTH = 92


def _money_scale(largest: float) -> tuple[float, str]:
    """Return the factor and the name in which amounts up to this one are easy to read."""
    for factor, name in ((1e9, "bn RWF"), (1e6, "m RWF"), (1e3, "1,000 RWF")):
        if largest >= factor:
            return 1.0 / factor, name
    return 1.0, "RWF"


_YEARLY = (
    ("members", "coverage_end_share"),
    ("visits/person", "visits_per_person_year"),
    ("premiums", "contributions_rwf"),
    ("claims", "claims_paid_rwf"),
    ("reserves", "reserves_rwf"),
)


def format_yearly(results: Results) -> str:
    """Return the main results by reporting year as fixed-width text: medians over replicates.

    Parameters
    ----------
    results
        Results of any scenario.

    Returns
    -------
    str
        One line a reporting year; the 5-95 % band stands below the median where there is more than one run.
    """
    titles, columns, decimals = [], [], []
    for title, name in _YEARLY:
        spreads = np.array([_spread(column) for column in results.values(name)[..., 0].T])
        scale, unit = {"share": (100.0, "%")}.get(VARIABLES[name].unit, (1.0, ""))
        if VARIABLES[name].unit == "RWF":
            scale, unit = _money_scale(float(np.nanmax(spreads, initial=0.0)))
        titles.append(f"{title}, {unit}" if unit else title)
        columns.append(spreads * scale)
        decimals.append(1 if unit == "%" else 2)
    lines = [_head(results, "the years"), "", f"{'year':>6}" + "".join(f"{title:>19}" for title in titles)]
    for place, (label, _, _) in enumerate(results.periods):
        cells = [(column[place], d) for column, d in zip(columns, decimals, strict=True)]
        lines.append(f"{label:>6}" + "".join(f"{cell[0]:>19,.{d}f}" for cell, d in cells))
        if results.n_replicates > 1:
            bands = [f"{cell[1]:,.{d}f} to {cell[2]:,.{d}f}" for cell, d in cells]
            lines.append(" " * 6 + "".join(f"{band:>19}" for band in bands))
    return "\n".join([*lines, "", *textwrap.wrap(_runs(results), _WIDTH)])
