"""Find the value of a parameter that meets a goal: the premium that balances, the subsidy that covers."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from cbhi.packing import pack_calendar, pack_rules, reporting_periods
from cbhi.published import explain_size
from cbhi.results import Results
from cbhi.runs import last_whole_year
from cbhi.scenarios import Scenario, ScenarioError
from cbhi.simulation import Carrier, Progress, load_scenario, simulate, whole_number
from cbhi.solving.goals import Goal, parse_goal
from cbhi.solving.levers import Lever, make_lever
from cbhi.spread import mean_ci_over_replicates, quantiles_over_replicates

if TYPE_CHECKING:
    import pandas as pd

    from cbhi.tables import Table

__all__ = ["DIAGNOSTICS", "Evaluation", "Question", "Solution", "check_question", "solve"]

DIAGNOSTICS = (
    "coverage_end_share",
    "schemes_open_share",
    "formal_share",
    "lapse_unaffordable_share",
    "lapse_unwilling_share",
    "lapse_inattentive_share",
    "lapse_subsidy_lost_share",
    "load",
    "forgone_capacity_per_person_year",
    "contributions_rwf",
    "subsidies_rwf",
    "claims_approved_rwf",
    "claims_paid_rwf",
    "administration_rwf",
    "scheme_surplus_rwf",
    "scheme_net_income_rwf",
    "arrears_rwf",
    "forgone_refused_per_person_year",
    "refused_and_paid_per_person_year",
)
"""Kept of every value tried, as means over the replicates: why a goal is out of reach, or what it costs."""

_ROUNDS = 6  # of Brent's method; a response in steps is then better halved
_CLIMB = 6  # evaluations spent on a peak between the values of the scan
_SURE = 0.999  # of the interval that a turn of the response must exceed


@dataclass(frozen=True)
class Evaluation:
    """What one value of the parameter gave over the period.

    Attributes
    ----------
    value
        Of the parameter.
    attained
        Value of the goal's variable that the share of replicates asked for attains or surpasses.
    margin
        How far that is on the right side of the target.
    share_met
        Share of replicates that meet the goal.
    meets
        Whether that share is what was asked for.
    low, median, high
        5, 50 and 95 % quantiles of the goal's variable over replicates: spread, not error.
    means
        Means over replicates of ``DIAGNOSTICS``.
    values
        The goal's variable in each replicate.
    """

    value: float
    attained: float
    margin: float
    share_met: float
    meets: bool
    low: float
    median: float
    high: float
    means: dict[str, float]
    values: tuple[float, ...] = ()

    @property
    def arrears_growth(self) -> float:
        """Claims approved less claims paid: by how much unpaid claims grow over the period, RWF."""
        return self.means["claims_approved_rwf"] - self.means["claims_paid_rwf"]

    @property
    def turned_away(self) -> float:
        """Contacts per person and year in which members are turned away over arrears."""
        return self.means["forgone_refused_per_person_year"] + self.means["refused_and_paid_per_person_year"]


@dataclass(frozen=True, eq=False)
class Solution:
    """The value that meets a goal, or the nearest to it and why not.

    Attributes
    ----------
    parameter
        Name of what was varied, as written.
    unit
        Its unit.
    value
        The solution: it meets the goal and its next neighbour on one side does not. Where nothing meets the
        goal, the value that comes nearest. Whole for whole-number parameters.
    reached
        Whether the goal is met at ``value``.
    goal, period, probability
        What was asked for; the period as (first, last) reporting year.
    scenario
        The scenario with that value.
    at
        The evaluation at ``value``.
    evaluations
        Every value tried, in order of the values.
    precision
        Distance to the neighbouring value that fails; infinite where all meet the goal or none does.
    monotone
        Whether the goal's variable only rises or only falls with the parameter over all values tried, but
        for turns within Monte Carlo error (99.9 % interval of the mean paired difference, Student's t). With
        one replicate, which says nothing about its error, every turn counts.
    crossings
        How often the goal turns from met to not met, or back, along the values tried.
    explanation
        Sentences: what was found, or the nearest value and what stands in the way.
    households, replicates, seed
        Size of each simulation.
    lever
        What the number stands for: keys, allowed range, step.
    ends
        Range searched.
    """

    parameter: str
    unit: str
    value: float
    reached: bool
    goal: Goal
    period: tuple[str, str]
    probability: float
    scenario: Scenario
    at: Evaluation
    evaluations: tuple[Evaluation, ...]
    precision: float
    monotone: bool
    crossings: int
    explanation: tuple[str, ...]
    households: int | str
    replicates: int
    seed: int
    lever: Lever
    ends: tuple[float, float]

    def __repr__(self) -> str:
        """Return one line: the value and what it meets."""
        verb = "meets" if self.reached else "comes nearest to"
        share = f"{100.0 * self.at.share_met:.0f} % of {self.replicates} replicates"
        return (
            f"<Solution: {self.parameter} = {self.lever.show(self.value)} [{self.unit}] {verb} {self.goal} in"
            f" {'-'.join(dict.fromkeys(self.period))}, in {share}>"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return every value tried: one row each, in order of the values.

        Returns
        -------
        pandas.DataFrame
            parameter, value, unit, variable, period, attained, share_met, meets, p05, p50, p95 (spread of
            the variable over replicates), and the mean over replicates of each of ``DIAGNOSTICS``.
        """
        import pandas as pd

        return pd.DataFrame(
            [
                {
                    "parameter": self.parameter,
                    "value": one.value,
                    "unit": self.unit,
                    "variable": self.goal.variable,
                    "period": "-".join(dict.fromkeys(self.period)),
                    "attained": one.attained,
                    "share_met": one.share_met,
                    "meets": one.meets,
                    "p05": one.low,
                    "p50": one.median,
                    "p95": one.high,
                    **{f"mean_{name}": value for name, value in one.means.items()},
                }
                for one in self.evaluations
            ]
        )

    def summary(self) -> Table:
        """Return the values tried and the answer, as a table that prints itself."""
        from cbhi.solving.words import tabulate

        return tabulate(self)

    def _repr_html_(self) -> str:
        return self.summary().as_html()

    def save(self, directory: str | Path) -> Path:
        """Write ``evaluations.csv``, ``summary.txt`` and ``solution.json`` with the solved scenario.

        Parameters
        ----------
        directory
            Folder, made if need be.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        OSError
            When the folder cannot be made or written; nothing is half-written.
        """
        from cbhi.solving.words import save_solution

        return save_solution(self, Path(directory))


def solve(
    scenario: Scenario | str | Path | Carrier,
    parameter: str | Sequence[str],
    *,
    goal: str | Goal,
    low: float | None = None,
    high: float | None = None,
    period: str | None = None,
    probability: float = 0.9,
    households: int | str = 5_000,
    replicates: int = 10,
    seed: int = 1,
    workers: int = 1,
    max_evaluations: int = 20,
    progress: Progress | None = None,
) -> Solution:
    """Find the value of a parameter at which a goal is just met.

    Every value is simulated on the same random numbers, so the outcome is a fixed function of the parameter.
    A coarse scan of the range shows where the goal is met and where not; the change nearest to the
    scenario's own value (by ratio for factors and premiums) is then closed in on (Brent's method, then
    halving) down to the step of the parameter. Which change that is follows from the scan alone, and fewer
    evaluations only leave it less precise. If no value of the scan meets the goal, its best one is
    climbed from before it is given up.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one, or what has a method ``scenario()``, such as a posterior. With
        parameter sets, replicates differ in their parameters as well, so that ``probability`` is about both.
    parameter
        A key such as ``"subsidy.slots_share"``, which then holds for the whole run and replaces the
        scenario's events for that key; several keys, or a group such as ``"scheme.premium_rwf"``, share one
        value. ``"premium"`` is a factor on every premium of the scenario, by person and by household, at the
        start and in its events, so that categories and changes over time keep their proportions;
        ``"scale:KEY"`` is such a factor on any other number.
    goal
        ``"NAME>=NUMBER"`` or ``"NAME<=NUMBER"`` with a name from ``cbhi.VARIABLES``, or ``"balance"`` for
        ``"scheme_surplus_rwf>=0"``, which counts claims when they are approved, so that paying late is no
        way to balance. Turning members away is: the answer says how many, and what arrears do.
    low, high
        Range to search, in the parameter's unit. If not given, what is allowed for the parameter, but for
        factors and premiums (anything in RWF) at most ten times the scenario's own.
    period
        A reporting year ("2009") or several taken as one ("2008-2009"); the last complete one if not given.
    probability
        Share of replicates that are to meet the goal, above 0 to 1.
    households, replicates, seed, workers
        As in ``simulate``, for every value tried; nobody is interviewed.
    max_evaluations
        Most values tried, from 10.
    progress
        Called with (months done, most months that can be needed).

    Returns
    -------
    Solution
        Also when the goal is out of reach: then with the nearest value and what stands in the way.

    Raises
    ------
    ValueError
        For an unknown or non-numeric parameter, an unknown variable, a range outside the allowed one, a
        period outside the run. All of this is found before anything is simulated.
    Interrupted
        On Ctrl-C.

    Examples
    --------
    The premium that would balance the scheme without the state's grant to the pools:

    >>> base = cbhi.scenario("rwanda").replace({"fund.pool_grant_rwf": 0})
    >>> cbhi.solve(base, "premium", goal="balance", period="2009")
    """
    base = load_scenario(scenario)
    question = check_question(base, parameter, goal, low, high, period, probability)
    lever, wanted, span, ends, points = question
    budget = whole_number("max_evaluations", max_evaluations, 10, 1000)
    whole_number("replicates", replicates, 1, 100_000)
    total = budget * replicates * base.n_months
    cache: dict[float, Evaluation] = {}
    remarks: list[str] = []

    def evaluate(value: float) -> Evaluation:
        if value not in cache:
            past = len(cache) * replicates * base.n_months
            tell = None if progress is None else functools.partial(_tell, progress, past, total)
            results = simulate(
                lever.apply(base, value),
                households=households,
                replicates=replicates,
                seed=seed,
                workers=workers,
                survey=0,
                progress=tell,
            )
            remarks[:] = explain_size(results)
            cache[value] = _judge(results, value, wanted, span, probability)
        return cache[value]

    for point in points:
        evaluate(point)
    change = _search(lever, cache, evaluate, budget)
    if progress is not None:
        progress(total, total)
    size = (households, replicates, seed)
    found = _conclude(lever, base, wanted, span, probability, cache, change, ends, size)
    return dataclasses.replace(found, explanation=(*found.explanation, *remarks))


class Question(NamedTuple):
    """What is asked, checked."""

    lever: Lever
    goal: Goal
    period: tuple[str, str]
    ends: tuple[float, float]
    points: list[float]  # of the coarse scan


def check_question(
    scenario: Scenario,
    parameter: str | Sequence[str],
    goal: str | Goal,
    low: float | None,
    high: float | None,
    period: str | None,
    probability: float,
) -> Question:
    """Return what is asked, or say what is wrong with it; the arguments are those of ``solve``."""
    wanted = goal if isinstance(goal, Goal) else parse_goal(goal)
    span, month = _find_period(scenario, period)
    lever = make_lever(parameter, scenario, month)
    ends = _range(lever, low, high)
    if not 0.0 < probability <= 1.0:
        raise ValueError(f"probability = {probability!r} must be above 0 and at most 1 [share of replicates]")
    points = _scan_points(lever, *ends)
    for point in points:
        _check(lever, scenario, point)
    return Question(lever, wanted, span, ends, points)


def _tell(progress: Progress, past: int, total: int, done: int, _: int) -> None:
    progress(past + done, total)


def _find_period(scenario: Scenario, period: str | None) -> tuple[tuple[str, str], int]:
    """Return the first and the last reporting year asked about, and its last month."""
    calendar = pack_calendar(scenario, pack_rules(scenario))
    periods = reporting_periods(scenario, calendar)
    labels = [label for label, _, _ in periods]
    if period is None:
        first = last = labels[last_whole_year(periods)]
    elif str(period) in labels:
        first = last = str(period)
    else:
        first, dash, last = (word.strip() for word in str(period).partition("-"))
        if not dash or first not in labels or last not in labels or labels.index(first) > labels.index(last):
            raise ValueError(
                f"period '{period}' is no reporting year of '{scenario.name}', nor years such as"
                f" '{labels[0]}-{labels[-1]}'; there are: {', '.join(labels)}"
            )
    return (first, last), scenario.start + periods[labels.index(last)][2] - 1


def _range(lever: Lever, low: float | None, high: float | None) -> tuple[float, float]:
    """Return the ends of the search on the grid of the lever's steps."""
    found = []
    # without an upper end, the usual one; if the lower one lies beyond it, all that is allowed
    beyond = isinstance(low, (int, float)) and low >= lever.usual_high
    usual = lever.high if beyond else lever.usual_high
    asked: tuple[tuple[str, Any, float], ...] = (("low", low, lever.low), ("high", high, usual))
    for word, given, natural in asked:
        end = natural if given is None else given
        if isinstance(end, bool) or not isinstance(end, (int, float)) or math.isnan(end):
            raise ValueError(f"{word} must be a number [{lever.unit}], got {given!r}")
        if math.isinf(end):
            raise ValueError(f"{lever.name} has no natural end; give {word}= [{lever.unit}]")
        if not lever.low <= end <= lever.high:
            raise ValueError(
                f"{word} = {end:g} is outside what {lever.name} allows, {lever.low:g} to {lever.high:g}"
                f" [{lever.unit}]"
            )
        found.append(float(end))
    first, last = lever.inside(*found)
    if first >= last:
        raise ValueError(f"low = {found[0]:g} must be below high = {found[1]:g} [{lever.unit}]")
    return first, last


def _check(lever: Lever, base: Scenario, value: float) -> None:
    try:
        lever.apply(base, value)
    except ScenarioError as error:
        raise ValueError(
            f"{lever.name} = {lever.show(value)} cannot be simulated: {'; '.join(error.problems)}; narrow the"
            " search with low and high, or change what stands against it"
        ) from None


def _scan_points(lever: Lever, low: float, high: float) -> list[float]:
    """Return about eight values: evenly spaced, or by factors where ratios count or the range is wide."""
    centre = min(max(lever.present, low), high)
    if lever.by_ratio and low < lever.present / 4.0:
        raw = [low, *(lever.present * factor for factor in (0.25, 0.5, 1.0, 2.0, 4.0)), high]
        raw += [16.0 * lever.present] if high > 30.0 * lever.present else []
        raw = [x for x in raw if x <= high]
    elif lever.by_ratio:
        raw = [*np.geomspace(low, high, 7), centre]
    elif low >= 0.0 and high > 20.0 * max(centre, low) and (centre > 0.0 or high > 20.0):
        if centre > 0.0:
            raw = [low, centre / 4, centre / 2, centre, 2 * centre, 4 * centre, 16 * centre, high]
        else:
            raw = [low, *np.geomspace(high / 4096.0, high, 7)]
    else:
        raw = [*np.linspace(low, high, 7), centre]
    snapped = (lever.snap(float(x)) for x in raw)
    return sorted({min(max(x, low), high) for x in snapped})


def _judge(
    results: Results, value: float, goal: Goal, span: tuple[str, str], probability: float
) -> Evaluation:
    """Return what a simulation says about the goal."""
    values = results.span_values(goal.variable, *span)
    attained = goal.attained(values, probability)
    low, median, high = quantiles_over_replicates(values, (0.05, 0.5, 0.95))
    means = {}
    for name in DIAGNOSTICS:
        known = results.span_values(name, *span)
        known = known[~np.isnan(known)]
        means[name] = float(known.mean()) if known.size else math.nan
    return Evaluation(
        value=value,
        attained=attained,
        margin=goal.margin(attained),
        share_met=goal.share_met(values),
        meets=goal.margin(attained) >= 0.0,
        low=float(low),
        median=float(median),
        high=float(high),
        means=means,
        values=tuple(float(x) for x in values),
    )


Evaluate = Callable[[float], Evaluation]


Change = tuple[float, float]


class _BudgetSpent(Exception):
    """No further value may be tried."""


def _search(lever: Lever, cache: dict[float, Evaluation], evaluate: Evaluate, budget: int) -> Change | None:
    """Close in on the change nearest to the present value; return the values on either side of it.

    The values tried follow from the scan alone, and the budget only says where to stop, so that a larger
    one narrows the same change.
    """
    if not any(one.meets for one in cache.values()):
        _climb(lever, cache, evaluate, min(budget, len(cache) + _CLIMB))
    nearest = _nearest_change(lever, cache)
    if nearest is None:
        return None
    sides = list(nearest)

    def probe(x: float) -> Evaluation:
        if x not in cache and len(cache) >= budget:
            raise _BudgetSpent
        one = evaluate(x)
        if sides[0] < x < sides[1]:
            sides[0 if one.meets == cache[sides[0]].meets else 1] = x
        return one

    with contextlib.suppress(_BudgetSpent):
        if all(math.isfinite(cache[value].margin) for value in nearest):
            _brent(lever, probe, nearest)
        _halve(lever, cache, probe, sides)
    return sides[0], sides[1]


def _nearest_change(lever: Lever, cache: dict[float, Evaluation]) -> Change | None:
    """Return the neighbouring values between which the goal turns, nearest to the present value."""
    values = sorted(cache)
    pairs = [(a, b) for a, b in itertools.pairwise(values) if cache[a].meets != cache[b].meets]

    def distance(pair: Change) -> float:
        first, last = (lever.place(value) for value in pair)
        one, other = (abs(cache[value].margin) for value in pair)
        # where a straight line between the two crosses the target
        part = one / (one + other) if math.isfinite(one + other) and one + other > 0.0 else 0.5
        return abs(first + part * (last - first) - lever.place(lever.present))

    return min(pairs, key=lambda pair: (distance(pair), pair), default=None)


def _brent(lever: Lever, probe: Evaluate, pair: Change) -> None:
    """Close in on the root of the margin between two values, on the grid of steps."""
    from scipy.optimize import brentq

    def margin(x: float) -> float:
        known = probe(lever.snap(x))
        # a value just at the target meets the goal, so zero counts as the right side
        return max(known.margin, -1e30) if known.margin != 0.0 else math.ulp(0.0)

    brentq(margin, *pair, xtol=0.5 * lever.step, rtol=1e-12, maxiter=_ROUNDS, full_output=True, disp=False)


def _halve(lever: Lever, cache: dict[float, Evaluation], probe: Evaluate, sides: list[float]) -> None:
    """Bring the two sides of a change to a step; ``probe`` moves them."""
    stepped = False
    while sides[1] - sides[0] >= 1.5 * lever.step:
        low, high = sides
        meets, fails = (low, high) if cache[low].meets else (high, low)
        # after Brent's method the root is mostly a step away; if it is not, halve
        middle = 0.5 * (low + high) if stepped else meets + math.copysign(lever.step, fails - meets)
        stepped = True
        probe(min(max(lever.snap(middle), lever.snap(low + lever.step)), lever.snap(high - lever.step)))


def _climb(lever: Lever, cache: dict[float, Evaluation], evaluate: Evaluate, budget: int) -> None:
    """Look for a peak of the margin between the neighbours of the best value, by thirds of the wider side."""
    while len(cache) < budget and not any(one.meets for one in cache.values()):
        values = sorted(cache)
        best = max(values, key=lambda value: cache[value].margin)
        place = values.index(best)
        sides = [values[i] for i in (place - 1, place + 1) if 0 <= i < len(values)]
        far = max(sides, key=lambda value: abs(value - best))
        middle = lever.snap(best + 0.382 * (far - best))
        if middle in cache or not math.isfinite(cache[best].margin):
            return
        evaluate(middle)


def _conclude(
    lever: Lever,
    base: Scenario,
    goal: Goal,
    span: tuple[str, str],
    probability: float,
    cache: dict[float, Evaluation],
    pair: Change | None,
    ends: tuple[float, float],
    size: tuple[int | str, int, int],
) -> Solution:
    """Return the solution that the evaluations hold."""
    from cbhi.solving.words import explain

    values = sorted(cache)
    tried = tuple(cache[value] for value in values)
    if pair is not None:
        value = pair[0] if cache[pair[0]].meets else pair[1]
    elif tried[0].meets:
        value = min(values, key=lambda one: (abs(lever.place(one) - lever.place(lever.present)), one))
    else:
        value = max(values, key=lambda one: (cache[one].margin, -abs(one - lever.present)))
    solved = lever.apply(base, value)
    draft = Solution(
        parameter=lever.name,
        unit=lever.unit,
        value=int(value) if lever.is_integer else value,
        reached=cache[value].meets,
        goal=goal,
        period=span,
        probability=float(probability),
        scenario=solved,
        at=cache[value],
        evaluations=tried,
        precision=math.inf if pair is None else lever.snap(pair[1] - pair[0]),
        monotone=not _turns(tried),
        crossings=sum(a.meets != b.meets for a, b in itertools.pairwise(tried)),
        explanation=(),
        households=size[0],
        replicates=size[1],
        seed=size[2],
        lever=lever,
        ends=ends,
    )
    return dataclasses.replace(draft, explanation=explain(draft))


def _turns(tried: Sequence[Evaluation]) -> bool:
    """Say whether the goal's variable both rises and falls along the values tried, beyond chance."""
    moves = {_move(one, other) for one, other in itertools.combinations(tried, 2)}
    return {-1, 1} <= moves


def _move(one: Evaluation, other: Evaluation) -> int:
    """Return 1 where the variable rises between two values tried, -1 where it falls, 0 within chance."""
    change = np.array(other.values) - np.array(one.values)
    if change.size < 2:
        return int(np.sign(other.attained - one.attained))
    found = mean_ci_over_replicates(change, _SURE)
    rounding = 1e-9 * np.nanmax(np.abs(one.values), initial=0.0)
    return int(found.low > rounding) - int(found.high < -rounding)
