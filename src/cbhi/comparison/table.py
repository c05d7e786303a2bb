"""Differences at a glance: the table that prints itself, and what a notebook shows."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from cbhi.kernels.records import F8
from cbhi.published import explain_size
from cbhi.runs import whole_years
from cbhi.spread import quantiles_over_replicates
from cbhi.tables import Scale, Table, scale_of
from cbhi.variables import VARIABLES, By
from cbhi.words import suggest

if TYPE_CHECKING:
    from cbhi.comparison import Comparison
    from cbhi.comparison.differences import Difference

__all__ = ["HEADLINE", "notebook_html", "tabulate"]

HEADLINE: dict[str, str] = {
    "coverage_end_share": "members",
    "any_insurance_share": "any insurance",
    "renewal_share": "renewed",
    "visits_per_person_year": "visits per person",
    "forgone_care_per_person_year": "episodes without care p. person",
    "out_of_pocket_rwf_per_person_year": "out-of-pocket, RWF per person",
    "catastrophic_share": "catastrophic spending",
    "contributions_rwf": "contributions",
    "subsidies_rwf": "subsidies",
    "claims_paid_rwf": "claims paid",
    "administration_rwf": "administration",
    "scheme_surplus_rwf": "surplus",
    "scheme_net_income_rwf": "net income, cash",
    "reserves_rwf": "reserves",
    "arrears_rwf": "claims unpaid",
    "loans_rwf": "premium loans",
}
"""Variable to the few words that it goes by."""


def tabulate(
    comparison: Comparison, names: Sequence[str] | None, periods: Sequence[str] | None, by: By
) -> Table:
    """Return base and differences as a table; see ``Comparison.summary``."""
    labels = HEADLINE if names is None else {name: _label(name) for name in _checked(names)}
    if names is None and by != "all":
        raise ValueError(f"say which variables by {by}: names=['coverage_end_share'], for example")
    shown = _periods(comparison, periods)
    several = len(comparison.results) > 2
    rows: list[tuple[str, ...]] = []
    ratios = []
    for name, label in labels.items():
        difference = comparison.difference(name, "year", by)
        rows += _rows(difference, label, shown)
        places = [difference.periods.index(period) for period in shown]
        ratios.append(difference.variance_ratio[:, places].ravel())
    grouped = by != "all"
    heads = _heads(several)
    # the spread gives way to the number of the scenario, so that the lines stay short
    without = {2: not grouped, 3: not several, 8: several}
    keep = [i for i in range(len(heads[0])) if not without.get(i)]
    picked = [tuple(tuple(row[i] for i in keep) for row in part) for part in (heads, rows)]
    first = comparison.results[0]
    return Table(
        title=f"What changes against {first.scenario.name}",
        heads=picked[0],
        rows=picked[1],
        notes=_notes(comparison, np.concatenate(ratios), several),
        n_labels=2 + grouped + several,
        facts=_facts(comparison),
        say_once=True,
    )


def _checked(names: Sequence[str]) -> list[str]:
    wanted = [names] if isinstance(names, str) else list(names)
    if not wanted:
        raise ValueError("names is empty; leave it out for the headline variables")
    unknown = [f"'{name}'{suggest(name, VARIABLES)}" for name in wanted if name not in VARIABLES]
    if unknown:
        raise ValueError(f"unknown variable {', '.join(unknown)}; all names: cbhi.VARIABLES")
    return list(dict.fromkeys(wanted))


def _label(name: str) -> str:
    unit = VARIABLES[name].unit
    return HEADLINE.get(name) or (name if unit in ("share", "RWF") else f"{name}, {unit}")


def _periods(comparison: Comparison, periods: Sequence[str] | None) -> list[str]:
    """Return the reporting years to show: those asked for, or the last complete one and some before."""
    labels = comparison.periods()
    if periods is not None:
        wanted = [periods] if isinstance(periods, str) else [str(label) for label in periods]
        for label in wanted:
            if label not in labels:
                raise ValueError(
                    f"'{label}' is no reporting year of all scenarios; there are: {', '.join(labels)}"
                )
        if not wanted:
            raise ValueError("periods is empty; leave it out for a choice of years")
        return list(dict.fromkeys(wanted))
    spans = comparison.results[0].periods
    known = [spans[place][0] for place in whole_years(spans) if spans[place][0] in labels] or list(labels)
    count = max(1, 4 - (len(comparison.results) - 1))
    places = [round((k + 1) * len(known) / count) - 1 for k in range(count)]
    return [known[place] for place in sorted({max(0, place) for place in places})]


def _heads(several: bool) -> tuple[tuple[str, ...], ...]:
    less = "less (1)" if several else "(2)-(1)"
    return (
        ("", "", "", "", "", "mean", "", "same", "5-95 %", "var."),
        ("", "year", "group", "scenario", "(1) mean", less, "s.e.", "sign", "of the runs", "ratio"),
    )


def _rows(difference: Difference, label: str, shown: Sequence[str]) -> list[tuple[str, ...]]:
    """Return one row a year, group and scenario: labels, then figures."""
    places = [difference.periods.index(period) for period in shown]
    base = difference.mean_against[:, places]
    mean, error = difference.mean[:, places], difference.standard_error[:, places]
    same, ratio = difference.share_same_sign[:, places], difference.variance_ratio[:, places]
    low, high = quantiles_over_replicates(difference.values[:, :, places], (0.05, 0.95))
    scale = scale_of(difference.unit, _largest(base))
    fine = _finer(scale, _largest(np.stack([np.abs(mean), error])))
    unit = f", {scale.unit}" if difference.unit in ("share", "RWF") else ""
    rows: list[tuple[str, ...]] = []
    for p, period in enumerate(shown):
        for g, group in enumerate(difference.groups):
            for s in range(len(difference.scenarios)):
                at = (s, p, g)
                spread = f"{fine.show(low[at])} to {fine.show(high[at])}"
                rows.append(
                    (
                        label + unit, period, group, f"({s + 2})",
                        scale.show(base[at]), _signed(fine, mean[at]), fine.show(error[at]),
                        _per_cent(same[at]), "-" if math.isnan(low[at]) else spread, _ratio(ratio[at]),
                    )
                )  # fmt: skip
    return rows


def _largest(values: F8) -> float:
    known = np.abs(values[np.isfinite(values)])
    return float(known.max()) if known.size else math.nan


def _finer(scale: Scale, largest: float) -> Scale:
    """Return the scale with decimals enough for differences of this size."""
    size = largest * scale.factor
    if not size > 0.0:
        return scale
    return scale._replace(decimals=max(scale.decimals, min(4, 2 - math.floor(math.log10(size)))))


def _signed(scale: Scale, value: float) -> str:
    text = scale.show(value)
    return f"+{text}" if value > 0 and any(digit in text for digit in "123456789") else text


def _per_cent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"


def _ratio(value: float) -> str:
    if math.isnan(value):
        return "-"
    return ">999" if value > 999 else f"{value:.1f}"


def _facts(comparison: Comparison) -> tuple[tuple[str, str], ...]:
    first = comparison.results[0]
    names = [(f"({i + 1})", one.scenario.name) for i, one in enumerate(comparison.results)]
    n = first.n_replicates
    runs = "one replicate" if n == 1 else f"{n} replicates"
    size = f"{runs} of {first.households:,} households each, seed {first.seed}, common random numbers"
    if comparison.clusters is not None:
        size += f", {first.n_param_sets} parameter sets"
    return (*names, ("runs", size))


def _notes(comparison: Comparison, ratios: F8, several: bool) -> tuple[str, ...]:
    """Return what the columns mean, and what was left out."""
    notes = []
    if comparison.tolerance is not None:
        notes.append(str(comparison.tolerance))
    if comparison.results[0].n_replicates == 1:
        notes.append("One replicate: differences without an error; more replicates show how sure they are.")
    else:
        spread = "" if several else " 5-95 %: spread of the single differences."
        notes.append(
            "Paired by replicate. s.e.: Monte Carlo error of the mean difference. same sign: replicates whose"
            f" difference has the sign of the mean.{spread} {_doubt(comparison)}"
        )
        shared = "seeds" if comparison.clusters is None else "seeds and parameter sets"
        known = ratios[np.isfinite(ratios)]
        middle = f" (median {np.median(known):.1f})" if known.size else ""
        notes.append(
            f"var. ratio{middle}: variance of the difference if {shared} were independent over that of the"
            " pairs; near 1, the scenarios differ too much for pairing to help; - where the difference does"
            " not vary, which does not count for the median."
        )
    notes.append("Differences of shares are in percentage points.")
    left = [label for label in comparison.results[0].period_labels() if label not in comparison.periods()]
    if left:
        notes.append(f"Left out, for not all scenarios have the same months in them: {', '.join(left)}.")
    return (*notes, *explain_size(comparison.results[0]))


def _doubt(comparison: Comparison) -> str:
    """Return whether doubt about the parameters is in the figures, and how much of the spread it makes."""
    first = comparison.results[0]
    if comparison.clusters is None:
        return "All of it is chance alone; no doubt about the parameters is in it."
    return (
        f"All of it holds doubt about the parameters ({first.n_param_sets} sets, the same in all scenarios)"
        " and chance; replicates of one set count as one for the s.e."
    )


def notebook_html(comparison: Comparison) -> str:
    """Return the table, and every scenario's own results folded away; no external resources."""
    parts = [tabulate(comparison, None, None, "all").as_html()]
    for one in comparison.results:
        name = html.escape(one.scenario.name)
        parts.append(f"<details><summary>{name}</summary>{one.summary().as_html()}</details>")
    return "\n".join(parts)
