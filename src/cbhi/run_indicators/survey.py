"""Indicators that need households one by one: protection, equity, selection, from the run's survey.

A survey is a table with one row a household and interview, as ``cbhi.Results.survey_frame`` gives it. What
is said of people is weighted by households' weight times their size: all figures are shares, means and
indices, so it does not matter that the households interviewed are fewer than all, and none is a total.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi import indicators
from cbhi.run_indicators.interviews import Lines, Sample, Year, read_years
from cbhi.run_indicators.readings import F8, Reading
from cbhi.runs import Run

if TYPE_CHECKING:
    import pandas as pd

PROTECTION = "financial protection"
EQUITY = "equity"
TARGETING = "targeting"
SELECTION = "adverse selection"
QUINTILES = tuple(f"quintile {q}" for q in range(1, 6))
DAYS_A_YEAR = 365.0


class _Item(NamedTuple):
    family: str
    indicator: str
    unit: str
    value: Callable[[Sample], Any]
    note: str = ""
    why: str = "nobody has any of it"
    groups: tuple[str, ...] = ("all",)
    needs: str = ""  # "poverty" or "ppp": a line from outside the run; "never": what no survey has


def _over(rule: Callable[..., float], threshold: float) -> Callable[[Sample], float]:
    return lambda s: rule(s.out_of_pocket, s.consumption, s.people, threshold=threshold)


def _ranked_by_living(rule: Callable[..., float], threshold: float) -> Callable[[Sample], float]:
    return lambda s: rule(s.out_of_pocket, s.consumption, s.people, threshold=threshold, rank_by=s.living)


def _field_of(work: Callable[[Sample], Any], field: str) -> Callable[[Sample], Any]:
    """Return what reads one number, or one by group, of several that are found together."""

    def value(s: Sample) -> Any:
        found = s.once(work)
        return np.nan if found is None else getattr(found, field)

    return value


def _hardship(s: Sample) -> indicators.FinancialHardship:
    a_day = s.consumption / s.persons / DAYS_A_YEAR / s.lines.ppp
    line = indicators.societal_poverty_line(a_day, s.people) * s.lines.ppp * DAYS_A_YEAR * s.persons
    return indicators.financial_hardship(s.out_of_pocket, s.consumption, s.people, poverty_line=line)


def _impoverished(s: Sample) -> indicators.Impoverishment:
    line = s.lines.poverty * np.ones(s.living.size)
    paid = s.an_equivalent("out_of_pocket_rwf")
    return indicators.impoverishment(paid, s.living, s.people, poverty_line=line)


def _protection() -> list[_Item]:
    share, budget = "share", "people; out-of-pocket spending of 12 months over consumption"
    items = []
    for percent in (10, 25):
        t = percent / 100.0
        items += [
            _Item(
                PROTECTION, f"catastrophic_headcount_{percent}", share,
                _over(indicators.large_budget_share_headcount, t), budget,
            ),
            _Item(
                PROTECTION, f"catastrophic_overshoot_{percent}", "share of consumption",
                _over(indicators.catastrophic_overshoot, t), budget,
            ),
            _Item(
                PROTECTION, f"mean_positive_overshoot_{percent}", "share of consumption",
                _over(indicators.mean_positive_overshoot, t), "over those beyond it", "nobody is beyond it",
            ),
            _Item(
                PROTECTION, f"catastrophic_concentration_{percent}", "-1 to 1",
                _ranked_by_living(indicators.catastrophic_concentration_index, t),
                "negative: among the poor", "nobody is beyond it",
            ),
            _Item(
                PROTECTION, f"rank_weighted_headcount_{percent}", "0 to 2",
                _ranked_by_living(indicators.rank_weighted_headcount, t), "", "nobody is beyond it",
            ),
        ]  # fmt: skip
    items.append(
        _Item(
            PROTECTION, "catastrophic_capacity_to_pay_40", share, lambda s: np.nan,
            why="households' food spending is not modelled, so there is no capacity to pay", needs="never",
        )
    )  # fmt: skip
    items += [
        _Item(
            PROTECTION,
            f"sdg_382_{field}",
            share,
            _field_of(_hardship, field),
            "SDG 3.8.2 of 2025",
            needs="ppp",
        )
        for field in indicators.FinancialHardship._fields
    ]  # fmt: skip
    for field in indicators.Impoverishment._fields:
        unit = share if "headcount" in field else "RWF a person"
        items.append(
            _Item(PROTECTION, f"poverty_{field}", unit, _field_of(_impoverished, field), needs="poverty")
        )
    return items


def _index(column: Callable[[Sample], F8], rule: Callable[..., float]) -> Callable[[Sample], float]:
    return lambda s: rule(column(s), s.living, s.people)


def _paid(column: str, rule: Callable[..., float]) -> Callable[[Sample], float]:
    return lambda s: rule(s.an_equivalent(column), s.living, s.people) if s[column].any() else np.nan


def _benefits(s: Sample) -> indicators.BenefitIncidence | None:
    return _incidence(s, 0.0)


def _benefits_net(s: Sample) -> indicators.BenefitIncidence | None:
    return _incidence(s, s.a_person("contribution_rwf"))


def _incidence(s: Sample, fees: F8 | float) -> indicators.BenefitIncidence | None:
    if not s["claims_rwf"].any():
        return None
    return indicators.benefit_incidence(
        s.a_person("claims_rwf"), s.living, s.people, unit_cost=1.0, fees=fees
    )


def _members(s: Sample) -> F8:
    return s["is_member"]


def _insured(s: Sample) -> F8:
    return np.maximum(s["is_member"], s["is_formal"])


def _seen(s: Sample) -> F8:
    return (s["visits"] > 0).astype(float)


def _visits(s: Sample) -> F8:
    return s.a_person("visits")


def _equity() -> list[_Item]:
    items = [
        _Item(
            EQUITY, "gini_consumption", "0 to 1", lambda s: indicators.gini(s.living, s.people),
            "of consumption a person, or an adult equivalent where the survey has them",
        )
    ]  # fmt: skip
    bounded = (
        ("concentration_index", indicators.concentration_index, "-1 to 1"),
        ("generalised_index", indicators.generalised_concentration_index, "share"),
        ("erreygers_index", indicators.erreygers_index, "-1 to 1"),
        ("wagstaff_index", indicators.wagstaff_index, "-1 to 1"),
    )
    for name, column, about in (
        ("membership", _members, "people in households paid up at the interview"),
        ("any_insurance", _insured, "the same, or in formal schemes"),
        ("any_visit", _seen, "people in households with a visit in 12 months"),
    ):
        for index, rule, unit in bounded:
            items.append(_Item(EQUITY, f"{index}_{name}", unit, _index(column, rule), about))
    for index, rule, unit in (bounded[0], (bounded[1][0], bounded[1][1], "visits a person")):
        items.append(_Item(EQUITY, f"{index}_visits", unit, _index(_visits, rule), "visits a person"))
    items.append(
        _Item(
            EQUITY, "horizontal_inequity_visits", "-1 to 1",
            lambda s: indicators.horizontal_inequity(
                _visits(s), s.living, s.a_person("expected_episodes"), s.people
            ),
            "visits a person, given episodes to be expected",
        )
    )  # fmt: skip
    for name, column_name in (("premiums", "contribution_rwf"), ("out_of_pocket", "out_of_pocket_rwf")):
        why = "nobody paid any"
        items += [
            _Item(
                EQUITY, f"kakwani_{name}", "-2 to 1", _paid(column_name, indicators.kakwani_index),
                "positive: the better-off pay a larger share", why,
            ),
            _Item(
                EQUITY, f"reynolds_smolensky_{name}", "none",
                _paid(column_name, indicators.reynolds_smolensky_index),
                "fall in the Gini, by rank before payment", why,
            ),
        ]  # fmt: skip
    for name, field, work, unit in (
        ("benefit_share", "share_by_group", _benefits, "share"),
        ("benefit_mean", "mean_by_group", _benefits, "RWF a person"),
        ("benefit_net_mean", "mean_by_group", _benefits_net, "RWF a person"),
    ):
        items.append(
            _Item(
                EQUITY, name, unit, _field_of(work, field), "claims that insurers paid for the people's care",
                "no claim was paid for anybody", QUINTILES,
            )
        )  # fmt: skip
    items.append(
        _Item(
            EQUITY, "membership_share", "share",
            lambda s: indicators.coverage_by_quantile(s["is_member"], s.living, s.people),
            "people in households paid up at the interview", groups=QUINTILES,
        )
    )  # fmt: skip
    return items


def _leakage(s: Sample) -> float:
    return indicators.leakage(s["sponsored_rwf"], s.equal("category", "poorest"), s.households)


def _outside_formal(s: Sample) -> Sample:
    """Return the households that could be members."""
    free = s.only(1.0 - s["is_formal"])
    if not free.households.size:
        raise indicators.UndefinedError("everybody is in a formal scheme")
    return free


def _risk_gap(s: Sample) -> indicators.RiskGap:
    free = s.once(_outside_formal)
    return indicators.risk_gap(free.a_person("expected_episodes"), free["is_member"], free.people)


def _correlation(s: Sample) -> indicators.PositiveCorrelation:
    # rows count as observations, so no weights; need is taken before treatment, so that cover cannot
    # raise it; the community's expectation is what a premium could have followed
    free = s.once(_outside_formal)
    ill = free["episodes"] > free["public_expected_episodes"]
    expected = free.a_person("public_expected_episodes")
    # a community that tells nobody apart expects the same of all, up to rounding
    known = expected if np.ptp(expected) > 1e-9 * expected.max() else None
    return indicators.positive_correlation_test(free["is_member"], ill, known)


def _counterfactual(s: Sample) -> indicators.CounterfactualCost | None:
    free = s.once(_outside_formal)
    members = free["is_member"] * free.households
    episodes = float(members @ free["episodes"])
    if episodes <= 0:
        return None
    an_episode = float(members @ free["claims_rwf"]) / episodes
    cost = an_episode * free.a_person("expected_episodes")
    return indicators.counterfactual_average_cost(cost, free["is_member"], free.people)


def _selection() -> list[_Item]:
    one_sided = "everybody or nobody is a member"
    risk = "episodes a person and year to be expected, as the household knows its risk"
    items = [
        _Item(
            SELECTION, f"risk_gap_{field}", "ratio" if field == "ratio" else "episodes a person",
            _field_of(_risk_gap, field), f"{risk}; outside formal schemes", one_sided,
        )
        for field in indicators.RiskGap._fields
    ]  # fmt: skip
    items += [
        _Item(
            SELECTION, f"positive_correlation_{name}", "none", _field_of(_correlation, field),
            "membership and more episodes than the community expects, given that expectation; households, "
            "unweighted", one_sided,
        )
        for name, field in (
            ("statistic", "statistic"), ("p_value", "p_value"), ("residual", "residual_correlation"),
        )
    ]  # fmt: skip
    items += [
        _Item(
            SELECTION, f"average_cost_{field}", "RWF a person", _field_of(_counterfactual, field),
            "expected episodes at what members' episodes cost the scheme in the year",
            "no member or no episode of one",
        )
        for field in indicators.CounterfactualCost._fields
    ]  # fmt: skip
    items.append(
        _Item(
            SELECTION, "cost_curve_slope", "RWF per RWF", lambda s: np.nan,
            why="prices do not vary by chance within a run; compare scenarios with different premiums",
            needs="never",
        )
    )  # fmt: skip
    return items


ITEMS = (
    *_protection(),
    *_equity(),
    _Item(
        TARGETING, "leakage", "share of money", _leakage,
        "subsidies paid for people outside the truly poorest category", "nobody's premium was paid by others",
    ),
    *_selection(),
)  # fmt: skip


def survey_readings(run: Run, survey: pd.DataFrame, lines: Mapping[str, Lines]) -> list[Reading]:
    """Return the indicators of households by replicate and reporting year.

    Parameters
    ----------
    run
        A run, such as ``cbhi.Results``.
    survey
        One row a household and interview, with the columns ``NEEDED``; may be empty.
    lines
        Poverty line and purchasing power by label of the reporting year.

    Returns
    -------
    list of Reading
        From interviews about twelve months only, with a reason for every gap.

    Raises
    ------
    ValueError
        Where an indicator cannot take what the survey holds, naming it with replicate and year.
    """
    labels = [label for label, _, _ in run.periods]
    numbers = [int(number) for number in run.arrays.replicates]
    years = read_years(survey, numbers, labels, lines)
    return [_read(item, years, numbers, labels, lines) for item in ITEMS]


def _read(
    item: _Item,
    years: Mapping[tuple[int, str], Year],
    numbers: list[int],
    labels: list[str],
    lines: Mapping[str, Lines],
) -> Reading:
    """Return one indicator for all replicates and years, with a reason for every gap."""
    shape = (len(numbers), len(labels))
    values = np.full((*shape, len(item.groups)), np.nan)
    notes, whys = np.full(shape, "", dtype=object), np.full(shape, item.why, dtype=object)
    for i, j in np.ndindex(shape):
        label = labels[j]
        told = years[numbers[i], label]
        about_line = lines[label].poverty_note if item.needs == "poverty" else ""
        notes[i, j] = "; ".join(part for part in (item.note, about_line, told.note) if part)
        obstacle = _obstacle(item, lines[label]) or told.why
        if obstacle or told.sample is None:
            whys[i, j] = obstacle
            continue
        try:
            values[i, j] = item.value(told.sample)
        except indicators.UndefinedError as error:
            whys[i, j] = str(error)
        except ValueError as error:
            where = f"indicator {item.indicator} of {label}, replicate {numbers[i]}"
            raise ValueError(f"{where}: {error}") from error
    return Reading(item.family, item.indicator, item.unit, values, notes, whys, item.groups)


def _obstacle(item: _Item, lines: Lines) -> str:
    """Return why an indicator cannot be computed in a year, whatever the survey says; empty if it can."""
    if item.needs == "never":
        return item.why
    if item.needs == "poverty" and np.isnan(lines.poverty):
        return lines.poverty_why
    if item.needs == "ppp" and np.isnan(lines.ppp):
        return lines.ppp_why
    return ""
