"""The table that packages for cost-effectiveness analysis read.

Forms from the packages' own documentation: ``hesim::cea(x, k, sample, strategy, grp, e, c)`` reads a long
table with the names of its columns (https://hesim-dev.github.io/hesim/reference/cea.html);
``dampack::make_psa_obj(cost, effectiveness, strategies=)`` and ``BCEA::bcea(eff, cost, ref, interventions)``
read one table for costs and one for effects, a row a simulation and a column a strategy
(https://cran.r-project.org/package=dampack, https://cran.r-project.org/package=BCEA).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from cbhi.runs import common_years, describe_span, find_year, origin_of
from cbhi.variables import VARIABLES, By
from cbhi.words import suggest

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.results import Results

__all__ = ["COSTS", "EFFECTS", "psa_frame"]

COSTS = ("claims_paid_rwf", "administration_rwf")
"""What a scheme spends on care and on running itself."""

EFFECTS = ("coverage_share", "visits_per_person_year", "catastrophic_share")
_KEYS = ("sample", "strategy", "grp", "period")


def psa_frame(
    *results: Results,
    costs: str | Sequence[str] = COSTS,
    effects: str | Sequence[str] = EFFECTS,
    periods: Sequence[str] | None = None,
    by: By = "all",
    form: Literal["long", "wide"] = "long",
) -> pd.DataFrame:
    """Return costs and effects by replicate and strategy, as hesim, dampack and BCEA read them.

    Each strategy is one scenario. Scenarios run with one seed share their draws, so that a sample is the same
    people under every strategy. Where the scenarios carry parameter sets, a sample has one of them, the same
    under every strategy, and acceptability curves hold doubt about the parameters; otherwise samples differ
    by chance alone. Nothing is discounted or added over years.

    Parameters
    ----------
    *results
        One or more, each of another scenario, with the same seed, replicates and number of households.
    costs
        Variables whose sum is the cost, all in one unit of RWF.
    effects
        Variables that become a column each, in their own units; see ``cbhi.VARIABLES``. What is not better
        when larger (``catastrophic_share``) must be turned round before it is used as an effect.
    periods
        Labels of reporting years, such as ``["2010"]``; all of the same months in every result if not given.
    by
        Groups (``grp``): ``"all"``, ``"district"`` or, for what is kept by them
        (``cbhi.strata.stratified_names``), ``"quintile"``, ``"category"`` or ``"cover"``.
    form
        ``"long"`` for hesim, ``"wide"`` for dampack and BCEA.

    Returns
    -------
    pandas.DataFrame
        Long: one row a sample, strategy, group and period, with the columns sample (from 1), strategy, grp,
        period, costs, and one for each effect. Choose one period, then
        ``cea(x, sample = "sample", strategy = "strategy", grp = "grp", e = "coverage_share", c = "costs")``.
        Wide: one row a sample; columns have the levels outcome, period, grp, strategy, so that
        ``wide["costs"]["2010"]["all"]`` is the matrix of costs and ``wide["coverage_share"]["2010"]["all"]``
        that of effects.
        ``attrs["left_out"]`` of either says of every year left out which months it has in which result.

    Raises
    ------
    ValueError
        For unknown names, costs in different units or not in RWF, periods that are unknown or not of the
        same months in every result, two results of one scenario, or results that do not hold the same samples
        or groups.
    """
    import pandas as pd

    if form not in ("long", "wide"):
        raise ValueError(f"form must be 'long' or 'wide', got {form!r}")
    cost_names, effect_names = _names(costs, "costs"), _names(effects, "effects")
    _check_units(cost_names)
    _check_strategies(results)
    groups = _common_groups(results, by)
    labels, left_out = _choose_years(results, periods)
    frame = pd.concat([_one(run, cost_names, effect_names, labels, by) for run in results], ignore_index=True)
    frame = frame.sort_values(["sample", "period"], kind="stable", ignore_index=True)
    frame.attrs["left_out"] = left_out
    if form == "long":
        return frame
    wide = frame.pivot(index="sample", columns=["period", "grp", "strategy"], values=["costs", *effect_names])
    # pivot sorts; columns stand in the order asked for
    wanted = [
        (outcome, label, group, run.scenario.name)
        for outcome in ("costs", *effect_names)
        for label in labels
        for group in groups
        for run in results
    ]
    chosen = wide[wanted].rename_axis(columns=["outcome", "period", "grp", "strategy"])
    chosen.attrs["left_out"] = left_out
    return chosen


def _one(
    run: Results, costs: Sequence[str], effects: Sequence[str], labels: Sequence[str], by: By
) -> pd.DataFrame:
    """Return the long table of one strategy."""
    import pandas as pd

    places = [find_year(run.periods, label) for label in labels]
    groups = run.groups(by)
    shape = (run.n_replicates, len(places), len(groups))
    total = sum((run.values(name, by=by)[:, places] for name in costs), start=np.zeros(1))
    columns = {"costs": total, **{name: run.values(name, by=by)[:, places] for name in effects}}
    sample, period, group = np.indices(shape).reshape(3, -1)
    return pd.DataFrame(
        {
            "sample": run.arrays.replicates[sample] + 1,
            "strategy": run.scenario.name,
            "grp": np.array(groups, dtype=object)[group],
            "period": np.array(labels, dtype=object)[period],
            **{name: values.ravel() for name, values in columns.items()},
        }
    )


def _names(names: str | Sequence[str], what: str) -> list[str]:
    found = [names] if isinstance(names, str) else list(names)
    if not found:
        raise ValueError(f"{what} is empty; name at least one variable of cbhi.VARIABLES")
    if len(set(found)) < len(found):
        raise ValueError(f"{what} names a variable twice: {', '.join(found)}")
    for name in found:
        if name not in VARIABLES:
            raise ValueError(f"{what}: unknown variable '{name}'{suggest(name, VARIABLES)}")
    return found


def _check_units(costs: Sequence[str]) -> None:
    units = {name: VARIABLES[name].unit for name in costs}
    if len(set(units.values())) > 1 or not all(unit.startswith("RWF") for unit in units.values()):
        said = ", ".join(f"{name} [{unit}]" for name, unit in units.items())
        raise ValueError(f"costs must all be in one unit of RWF, got {said}")


def _check_strategies(results: Sequence[Results]) -> None:
    if not results:
        raise ValueError("no results given")
    names = [run.scenario.name for run in results]
    if len(set(names)) < len(names):
        raise ValueError(f"two results have the name of one strategy: {', '.join(names)}")
    first = results[0]
    for run in results[1:]:
        if (
            (run.seed, run.households) != (first.seed, first.households)
            or not np.array_equal(run.arrays.replicates, first.arrays.replicates)
            or origin_of(run.scenario) != origin_of(first.scenario)
        ):  # fmt: skip
            raise ValueError(
                f"'{run.scenario.name}' does not hold the samples of '{first.scenario.name}': seed,"
                " households, replicates and parameter sets must be the same"
            )


def _common_groups(results: Sequence[Results], by: By) -> list[str]:
    """Return the groups, which must be those of every result."""
    groups = results[0].groups(by)
    for run in results[1:]:
        if run.groups(by) != groups:
            raise ValueError(
                f"'{run.scenario.name}' does not have the groups of '{results[0].scenario.name}' by {by}:"
                f" {', '.join(run.groups(by))} against {', '.join(groups)}"
            )
    return groups


def _choose_years(results: Sequence[Results], periods: Sequence[str] | None) -> tuple[list[str], list[str]]:
    """Return the labels of the years to show, and what to say of those that are not of the same months."""
    spans = common_years([(run.scenario.start, run.periods) for run in results])
    once = [{own: labels.count(own) == 1 for own in labels} for labels in (_labels(run) for run in results)]
    # a label that a run has twice names no year
    common = [label for label, _ in spans if all(own[label] for own in once)]
    left_out = [
        _explain_year(results, label)
        for label in dict.fromkeys(label for run in results for label in _labels(run))
        if label not in common
    ]
    if periods is None:
        if not common:
            raise ValueError(f"the results have no reporting year of the same months: {'; '.join(left_out)}")
        return common, left_out
    wanted = [periods] if isinstance(periods, str) else [str(label) for label in periods]
    for label in wanted:
        if label in common:
            continue
        known = ", ".join(common) or "none"
        if any(label in _labels(run) for run in results):
            said = _explain_year(results, label)
            raise ValueError(f"{said}; years of the same months in every run: {known}")
        raise ValueError(f"'{label}' is not a reporting year of every run; there are: {known}")
    if not wanted or len(set(wanted)) < len(wanted):
        raise ValueError("periods must name reporting years, each once")
    return wanted, []


def _labels(run: Results) -> list[str]:
    return [label for label, _, _ in run.periods]


def _explain_year(results: Sequence[Results], label: str) -> str:
    """Return which months a year has in each run."""
    parts = []
    for run in results:
        spans = [describe_span(run.scenario.start, period) for period in run.periods if period[0] == label]
        parts.append(f"{' and '.join(spans) or 'not run'} in '{run.scenario.name}'")
    return f"{label} is {', '.join(parts)}"
