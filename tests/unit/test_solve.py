"""Solving for a parameter: goals, levers, the search, and what is said when a goal is out of reach."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import cbhi
from cbhi.scenarios import Scenario
from cbhi.solving import Evaluation, Solution, _climb, _scan_points, _search, _turns, check_question, solve
from cbhi.solving.goals import Goal, parse_goal
from cbhi.solving.levers import Lever, make_lever
from cbhi.solving.words import explain

SIZE = dict(households=100, replicates=3)
PREMIUM = "scheme.household_premium_rwf"


@pytest.fixture(scope="module")
def base() -> Scenario:
    """Schemes open everywhere at once, for two years and a half."""
    return cbhi.scenario("rwanda-rules").replace({"switches.rollout": False}, name="small", end="2001-12")


@pytest.fixture(scope="module")
def indifferent(base: Scenario) -> Scenario:
    """Nobody minds the premium or lacks the cash for it."""
    return base.replace(
        {"enrolment.price_slope": 0, "switches.cash_gate": False, "switches.arrears_feedback": False},
        name="rigid",
    )


# goals


def test_goals_are_read() -> None:
    assert parse_goal("coverage_end_share>=0.9") == Goal("coverage_end_share", ">=", 0.9)
    assert parse_goal(" catastrophic_share <= 2e-2 ") == Goal("catastrophic_share", "<=", 0.02)
    assert parse_goal("balance") == Goal("scheme_surplus_rwf", ">=", 0.0)
    assert str(parse_goal("reserves_rwf>=-1e9")) == "reserves_rwf >= -1000000000"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coverage", "is not written as a variable, >= or <=, and a number"),
        (
            "coverage_end_shar>=0.9",
            "unknown variable 'coverage_end_shar'; did you mean 'coverage_end_share'?",
        ),
        ("coverage_end_share=0.9", "write >= or <= instead of ="),
        ("coverage_end_share>0.9", "write >= or <= instead of >"),
        ("coverage_end_share>=90", "lies from 0 to 1 [share]; 90 % is written 0.9"),
        ("coverage_end_share>=90 %", "'90 %' is no number [share]; 90 % is written 0.9"),
        ("reserves_rwf>=1,000,000", "written 1000000 without separators"),
        ("reserves_rwf>=many", "'many' is no number [RWF]"),
        ("reserves_rwf>=inf", "must be finite"),
    ],
)
def test_wrong_goals(text: str, said: str) -> None:
    with pytest.raises(ValueError) as problem:  # noqa: PT011
        parse_goal(text)
    assert said in str(problem.value)


def test_the_attained_value_meets_the_goal_exactly_when_enough_replicates_do() -> None:
    values = np.array([0.5, 0.9, math.nan, 0.7, 0.8])
    at_least, at_most = Goal("coverage_end_share", ">=", 0.7), Goal("coverage_end_share", "<=", 0.7)
    assert at_least.share_met(values) == 0.6
    assert at_most.share_met(values) == 0.4
    assert [at_least.attained(values, p) for p in (0.2, 0.4, 0.6, 0.61, 0.8)] == [0.9, 0.8, 0.7, 0.5, 0.5]
    assert at_least.attained(values, 1.0) == -math.inf
    assert at_least.attained(values, 1e-12) == 0.9
    assert at_most.attained(values, 0.4) == 0.7
    for goal in (at_least, at_most):
        for p in np.linspace(0.05, 1.0, 20):
            assert (goal.margin(goal.attained(values, p)) >= 0) == (goal.share_met(values) >= p - 1e-9)


# levers


def test_a_lever_sets_or_scales() -> None:
    rwanda = cbhi.scenario("rwanda")
    month = rwanda.end
    one = make_lever("scheme.premium_rwf", rwanda, month)
    assert (one.low, one.high, one.step, one.unit) == (0, 1_000_000, 1, "RWF per person per year")
    assert one.present == pytest.approx((2000 + 3000 + 7000) / 3)
    set_to = one.apply(rwanda, 1500.0).regimes()[-1][1].scheme.premium_rwf
    assert (set_to.poorest, set_to.middle, set_to.rich) == (1500, 1500, 1500)
    factor = make_lever("premium", rwanda, month)
    assert (factor.low, factor.present, factor.unit) == (0.0, 1.0, "times the scenario's own")
    assert factor.high == pytest.approx(1_000_000 / 7000)
    before, after = rwanda.regimes(), factor.apply(rwanda, 1.5).regimes()
    for (_, was), (_, now) in zip(before, after, strict=True):
        assert now.scheme.household_premium_rwf == 3750
        for category in ("poorest", "middle", "rich"):
            assert getattr(now.scheme.premium_rwf, category) == 1.5 * getattr(
                was.scheme.premium_rwf, category
            )
    share = make_lever("scale:fund.administration_share", rwanda, month).apply(rwanda, 2.0)
    assert share.regimes()[0][1].fund.administration_share == pytest.approx(
        2 * rwanda.values["fund.administration_share"]
    )
    assert make_lever("subsidy.slots_share", rwanda, month).present == 0.248
    assert make_lever("subsidy.slots_share", rwanda, rwanda.start).present == 0.0


@pytest.mark.parametrize(
    ("parameter", "said"),
    [
        ("premiun", "unknown parameter 'premiun'; did you mean 'premium'?"),
        ("loans.interest_share", "did you mean 'loans.interest_share_per_year'?"),
        ("scheme.calendar", "scheme.calendar cannot be solved for: it is one of rolling, fixed"),
        ("subsidy.offered", "on/off, not a single number"),
        ("population.persons", "not a single number"),
        ("fund", "'fund' is a group of"),
        ("scheme.waiting_months,care.copayment_rwf", "one value cannot stand for several units"),
        ("scale:groups.weekly_rwf", "all these values are 0"),
    ],
)
def test_wrong_levers(parameter: str, said: str) -> None:
    scenario = cbhi.scenario("rwanda").replace({"groups.weekly_rwf": 0.0})
    with pytest.raises(ValueError) as problem:  # noqa: PT011
        make_lever(parameter, scenario, scenario.end)
    assert said in str(problem.value)


# the search, on made-up responses


def made_up(step: float = 1.0, present: float = 100.0, high: float = 1000.0) -> Lever:
    return Lever("x", ("x",), False, "units", 0.0, high, present, step, step == 1.0)


def searched(
    response: Callable[[float], float], lever: Lever, budget: int = 20
) -> tuple[dict[float, Evaluation], tuple[float, float] | None]:
    cache: dict[float, Evaluation] = {}

    def evaluate(x: float) -> Evaluation:
        if x not in cache:
            y = response(x)
            cache[x] = Evaluation(x, y, y, float(y >= 0), y >= 0, y, y, y, {}, (y,))
        return cache[x]

    for point in _scan_points(lever, lever.low, lever.high):
        evaluate(point)
    return cache, _search(lever, cache, evaluate, budget)


@pytest.mark.parametrize(
    ("response", "pair"),
    [
        (lambda x: x - 637.0, (636.0, 637.0)),
        (lambda x: 637.0 - x, (637.0, 638.0)),
        (lambda x: math.copysign(1.0, x - 637.5), (637.0, 638.0)),  # a step, nothing to interpolate
        (lambda x: math.log((x + 1) / 11.0), (9.0, 10.0)),
        (lambda x: (x / 500.0) ** 7 - 1.0, (499.0, 500.0)),
        (lambda x: -math.inf if x < 250 else 1.0, (249.0, 250.0)),
    ],
)
def test_the_change_is_found_to_a_step(response: Callable[[float], float], pair: tuple[float, float]) -> None:
    cache, found = searched(response, made_up())
    assert found == pair
    assert len(cache) <= 20


def test_the_nearest_of_several_changes_is_taken() -> None:
    cache, found = searched(lambda x: -1.0 if 40 < x < 700 else 1.0, made_up(present=500.0))
    assert found == (699.0, 700.0)
    assert (
        sum(cache[a].meets != cache[b].meets for a, b in zip(sorted(cache), sorted(cache)[1:], strict=False))
        == 2
    )


def two_crossings(x: float) -> float:
    """A deficit from 0.641 to 1.52 times, as of a fund that pays nobody below and is paid for above."""
    return (x - 0.641) * (x - 1.52)


@pytest.mark.parametrize("budget", [10, 11, 12, 14, 20, 40])
def test_the_budget_does_not_choose_the_change(budget: int) -> None:
    lever = Lever("x", ("x",), True, "times", 0.0, 143.0, 1.0, 0.001, False)
    cache: dict[float, Evaluation] = {}

    def evaluate(x: float) -> Evaluation:
        y = two_crossings(x)
        cache[x] = Evaluation(x, y, y, float(y >= 0), y >= 0, y, y, y, {}, (y,))
        return cache[x]

    for point in _scan_points(lever, lever.low, lever.usual_high):
        evaluate(point)
    assert sorted(cache) == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0]
    found = _search(lever, cache, evaluate, budget)
    assert found is not None
    # by ratio 1.52 is nearer to 1 than 0.641 (0.42 against 0.44), by distance it is not
    assert found[0] < 1.52 <= found[1]
    assert len(cache) <= budget
    if budget == 40:
        assert found == pytest.approx((1.519, 1.52))


def test_a_larger_budget_narrows_the_same_values() -> None:
    tried = [
        list(searched(lambda x: math.copysign(1.0, x - 637.5), made_up(step=0.001), budget)[0])
        for budget in (10, 13, 20, 30)
    ]
    for fewer, more in itertools.pairwise(tried):
        assert more[: len(fewer)] == fewer
    assert 20 < len(tried[-1]) <= 30


def test_turns_within_chance_are_silent() -> None:
    def response(*means: float, sd: float) -> list[Evaluation]:
        noise = np.random.default_rng(1).normal(0.0, sd, (len(means), 10))
        rows = np.array(means)[:, None] + noise
        return [
            Evaluation(float(i), float(r.mean()), 0.0, 1.0, True, 0.0, 0.0, 0.0, {}, tuple(r.tolist()))
            for i, r in enumerate(rows)
        ]

    dip = (85.8, 85.7, 86.0, 90.0)
    assert not _turns(response(*dip, sd=0.2))
    assert _turns(response(*dip, sd=0.001))
    assert _turns(response(1.0, 5.0, 2.0, sd=0.2))
    assert not _turns(response(1.0, 1.0, 1.0, sd=0.0))
    assert not _turns(response(5.0, 3.0, 1.0, sd=0.5))
    one = [Evaluation(x, y, y, 1.0, True, y, y, y, {}, (y,)) for x, y in ((0.0, 1.0), (1.0, 3.0), (2.0, 2.0))]
    assert _turns(one)


def test_the_range_is_searched_up_to_ten_times_the_own_value(base: Scenario) -> None:
    factor = make_lever("premium", base, base.end)
    assert (factor.usual_high, factor.high) == (10.0, pytest.approx(1_000_000 / 7000, rel=0.9))
    money = make_lever(PREMIUM, base, base.end)
    assert (money.usual_high, money.high) == (25_000, 10_000_000)
    assert make_lever("subsidy.slots_share", cbhi.scenario("rwanda"), base.end).usual_high == 1.0
    ends = check_question(base, "premium", "balance", None, None, None, 0.9).ends
    assert ends == (0.0, 10.0)
    assert check_question(base, "premium", "balance", None, 50.0, None, 0.9).ends == (0.0, 50.0)
    assert check_question(base, "premium", "balance", 20.0, None, None, 0.9).ends[1] > 100.0
    for low, high in ((0.0, 10.0), (0.5, 2.0), (0.0, 100.0), (0.0, 0.3), (2.0, 3.0)):
        points = _scan_points(factor, low, high)
        assert (points[0], points[-1]) == (low, high)
        assert len(points) <= 8
        assert (low <= 1.0 <= high) == (1.0 in points)


def test_a_narrow_peak_between_the_scanned_values_is_climbed() -> None:
    lever = made_up(present=500.0)
    peak = 380.0
    assert all(abs(x - peak) > 30 for x in _scan_points(lever, 0.0, 1000.0))
    cache, found = searched(lambda x: 30.0 - abs(x - peak), lever)
    assert found is not None
    assert abs(abs(found[0] - peak) - 30) <= 1.0
    cache, found = searched(lambda x: -1.0 - abs(x - peak), lever)
    assert found is None
    assert len(cache) <= len(_scan_points(lever, 0.0, 1000.0)) + 6
    assert abs(max(cache, key=lambda x: cache[x].margin) - peak) < 25


def test_the_budget_is_kept() -> None:
    lever = made_up(step=0.001)
    cache, found = searched(lambda x: math.copysign(1.0, x - 637.5), lever, budget=12)
    assert len(cache) <= 12
    assert found is not None
    assert found[0] < 637.5 <= found[1]
    _climb(lever, cache, lambda x: pytest.fail("nothing to climb"), 100)  # type: ignore[arg-type]


# with the model


def test_the_premium_that_brings_a_sum_is_what_the_arithmetic_says(indifferent: Scenario) -> None:
    one, two = (
        cbhi.simulate(indifferent.replace({PREMIUM: premium}), **SIZE).span_values(
            "contributions_rwf", "2001", "2001"
        )
        for premium in (1000, 2000)
    )
    assert two == pytest.approx(2 * one)  # nobody minds
    target = 1.6543 * float(one.mean())
    goal = f"contributions_rwf>={target}"
    for probability, needed in ((1.0, 3), (0.6, 2)):
        per_franc = np.sort(one / 1000.0)[::-1][needed - 1]
        found = solve(indifferent, PREMIUM, goal=goal, period="2001", probability=probability, **SIZE)
        assert found.reached
        assert found.value == math.ceil(target / per_franc)
        assert isinstance(found.value, int)
        assert found.precision == 1.0
        assert (found.monotone, found.crossings) == (True, 1)
        assert len(found.evaluations) <= 20


def test_the_solution_agrees_with_trying_every_value(base: Scenario) -> None:
    low, high = 2400, 2440
    middle = cbhi.simulate(base.replace({PREMIUM: 2420}), **SIZE).span_values(
        "contributions_rwf", "2001", "2001"
    )
    goal = f"contributions_rwf>={np.median(middle):.0f}"
    found = solve(base, PREMIUM, goal=goal, period="2001", probability=0.5, low=low, high=high, **SIZE)
    meets = {}
    for premium in range(low, high + 1):
        values = cbhi.simulate(base.replace({PREMIUM: premium}), **SIZE).span_values(
            "contributions_rwf", "2001", "2001"
        )
        meets[premium] = np.mean(values >= np.float64(goal.split("=")[1])) >= 0.5
    assert found.reached
    assert meets[int(found.value)]
    neighbours = [found.value - 1, found.value + 1]
    assert any(not meets[int(n)] for n in neighbours if low <= n <= high)
    for one in found.evaluations:
        assert one.meets == meets[int(one.value)]


@pytest.fixture(scope="module")
def covered(base: Scenario) -> Solution:
    values = cbhi.simulate(base, **SIZE).span_values("coverage_end_share", "2001", "2001")
    goal = f"coverage_end_share>={0.9 * values.min():.3f}"
    return solve(
        base,
        "premium",
        goal=goal,
        period="2001",
        probability=1.0,
        low=0.5,
        high=8,
        max_evaluations=30,
        **SIZE,
    )


def test_the_solved_scenario_meets_the_goal_and_its_neighbour_does_not(
    covered: Solution, base: Scenario
) -> None:
    assert covered.reached
    goal, step = covered.goal, covered.lever.step
    assert covered.precision == step
    failing = [one.value for one in covered.evaluations if not one.meets]
    next_value = min(failing, key=lambda value: abs(value - covered.value))
    assert abs(next_value - covered.value) == pytest.approx(step)
    for scenario, wanted in (
        (covered.scenario, True), (covered.lever.apply(base, next_value), False),
    ):  # fmt: skip
        values = cbhi.simulate(scenario, **SIZE).span_values(goal.variable, "2001", "2001")
        assert bool(np.all(values >= goal.target)) is wanted
    assert covered.scenario.regimes()[0][1].scheme.household_premium_rwf == round(2500 * covered.value)


def test_a_solution_says_what_it_found(covered: Solution, tmp_path: Path) -> None:
    text = str(covered.summary())
    assert "solution" in text
    assert (
        f"premium = {covered.value:.3f} [times the scenario's own] meets coverage_end_share >= "
        in " ".join(text.split())
    )
    assert "one step on" in text
    assert max(len(line) for line in text.splitlines()) <= 100
    frame = covered.to_frame()
    assert frame["value"].is_monotonic_increasing
    assert frame.loc[frame["value"] == covered.value, "meets"].tolist() == [True]
    assert (frame["p05"] <= frame["p95"]).all()
    assert "meets coverage_end_share" in repr(covered)
    assert "<table>" in covered._repr_html_()
    folder = covered.save(tmp_path / "s")
    assert {path.name for path in folder.iterdir()} == {"evaluations.csv", "summary.txt", "solution.json"}
    record = json.loads((folder / "solution.json").read_text(encoding="utf-8"))
    assert record["value"] == covered.value
    assert record["scenario"]["values"][PREMIUM] == round(2500 * covered.value)


def test_out_of_reach_names_the_range_and_who_is_left_out(base: Scenario) -> None:
    found = solve(base, "premium", goal="coverage_end_share>=0.999", low=0.5, high=2.0, **SIZE)
    assert not found.reached
    assert math.isinf(found.precision)
    said = " ".join(found.explanation)
    assert "not reached by any premium from 0.500 to 2.000" in said
    assert "are in formal schemes" in said
    formal = found.at.means["formal_share"]
    assert f"{100 * formal:.1f} %" in said
    assert f"What binds is who can join at all, {100 * (1 - formal):.1f} % of people" in said
    assert "lapse" in said
    best = max(found.evaluations, key=lambda one: one.margin)
    assert found.at.margin == best.margin
    if found.value == 0.5:
        assert "0.500 is the lowest value asked for; allowed are 0 to" in said


def test_out_of_reach_of_money_shows_the_accounts(base: Scenario) -> None:
    found = solve(base, "fund.administration_share", goal="scheme_surplus_rwf>=1e12", **SIZE)
    said = " ".join(found.explanation)
    assert not found.reached
    assert "households' premiums" in said
    assert "claims approved" in said
    assert "claims paid" in said
    assert "surplus" in said
    assert "coverage" in said


@pytest.fixture(scope="module")
def balanced(base: Scenario) -> Solution:
    # the pools get nothing from the state, so that premiums have to do
    poor = base.replace({"fund.pool_grant_rwf": 0.0}, name="no grant", end="2002-12")
    return solve(
        poor, "premium", goal="balance", period="2002", probability=0.6, households=400, replicates=3
    )


def test_balance_counts_claims_that_are_not_paid(balanced: Solution) -> None:
    """The answer and its neighbour, simulated again and added up from flows and tallies by hand."""
    assert balanced.reached
    lever, value = balanced.lever, float(balanced.value)
    failing = min((e.value for e in balanced.evaluations if not e.meets), key=lambda x: abs(x - value))
    poor = cbhi.scenario("rwanda-rules").replace(
        {"switches.rollout": False, "fund.pool_grant_rwf": 0.0}, name="no grant", end="2002-12"
    )
    for factor, wanted in ((value, True), (failing, False)):
        results = cbhi.simulate(lever.apply(poor, factor), households=400, replicates=3)
        income, paid, approved, administration, net = (
            results.span_values(name, "2002", "2002")
            for name in (
                "scheme_income_rwf", "claims_paid_rwf", "claims_approved_rwf", "administration_rwf",
                "scheme_net_income_rwf",
            )
        )  # fmt: skip
        others = income - paid - administration - net
        surplus = income - approved - administration - others
        assert (np.mean(surplus >= 0) >= 0.6) is np.bool_(wanted)
        one = next(e for e in balanced.evaluations if e.value == factor)
        assert one.values == pytest.approx(surplus.tolist(), rel=1e-9, abs=1.0)
        owed = (
            results.span_values("arrears_rwf", "2001", "2001"),
            results.span_values("arrears_rwf", "2002", "2002"),
        )
        assert one.arrears_growth == pytest.approx(float((owed[1] - owed[0]).mean()), rel=1e-9, abs=1.0)
        turned = results.span_values("forgone_refused_per_person_year", "2002", "2002") + results.span_values(
            "refused_and_paid_per_person_year", "2002", "2002"
        )
        assert one.turned_away == pytest.approx(float(turned.mean()))


def test_the_answer_says_what_it_costs(balanced: Solution) -> None:
    table = balanced.summary()
    assert "unpaid," in table.heads[0]
    assert "turned" in table.heads[0]
    text = " ".join(balanced.explanation)
    assert "a run with another seed is a test of it" in text
    assert "Few sections are simulated (1, in 1 district)" in text
    at = balanced.at

    def told(growth: float, away: float) -> str:
        means = {**at.means, "claims_paid_rwf": at.means["claims_approved_rwf"] - growth}
        means |= {"forgone_refused_per_person_year": away, "refused_and_paid_per_person_year": 0.0}
        new = dataclasses.replace(at, means=means)
        others = tuple(new if one is at else one for one in balanced.evaluations)
        return " ".join(explain(dataclasses.replace(balanced, at=new, evaluations=others)))

    approved = at.means["claims_approved_rwf"]
    assert "claims unpaid grow" in told(0.5 * approved, 0.0)
    assert "claims unpaid grow" not in told(0.001 * approved, 0.0)
    assert "claims unpaid grow" not in told(-0.5 * approved, 0.0)
    assert "members are turned away over arrears, 0.30 contacts per person and year" in told(0.0, 0.3)
    assert "WARNING" not in told(0.0, 0.0)
    assert ("claims unpaid grow" in text) == (at.arrears_growth > 0.02 * approved)
    assert "searched" in dict(table.facts)


def test_nobody_is_interviewed(base: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    import cbhi.solving as solving

    asked: list[object] = []

    def watched(*arguments: object, **named: object) -> object:
        asked.append(named["survey"])
        return cbhi.simulate(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(solving, "simulate", watched)
    solve(base, PREMIUM, goal="coverage_end_share<=1", households=20, replicates=1)
    assert set(asked) == {0}


def test_a_parameter_without_effect_is_named(base: Scenario) -> None:
    found = solve(base, "subsidy.slots_share", goal="coverage_end_share>=0.99", **SIZE)
    assert not found.reached
    assert "subsidy.slots_share does not move coverage_end_share at all" in " ".join(found.explanation)


def test_a_goal_that_does_not_bind(base: Scenario) -> None:
    found = solve(base, PREMIUM, goal="coverage_end_share<=1", **SIZE)
    assert found.reached
    assert found.value == 2500
    assert "it does not bind" in " ".join(found.explanation)


def test_years_are_taken_as_one_period(base: Scenario) -> None:
    results = cbhi.simulate(base, **SIZE)
    money, people = results.values("contributions_rwf"), results.values("persons")
    assert results.span_values("contributions_rwf", "2000", "2001") == pytest.approx(
        money[:, 1:, 0].sum(axis=1)
    )
    assert results.span_values("persons", "2000", "2001") == pytest.approx(people[:, 2, 0])
    target = float(results.span_values("contributions_rwf", "2000", "2001").max())
    found = solve(base, PREMIUM, goal=f"contributions_rwf<={target}", period="2000-2001", **SIZE)
    own = next(one for one in found.evaluations if one.value == 2500)
    assert own.share_met == 1.0
    assert found.period == ("2000", "2001")
    with pytest.raises(ValueError, match="runs backwards"):
        results.span_values("persons", "2001", "2000")
    with pytest.raises(ValueError, match="'2020' is not a reporting year"):
        results.span_values("persons", "2020", "2020")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (dict(period="2020"), "period '2020' is no reporting year of 'small', nor years such as '1999-2001'"),
        (dict(period="2001-2000"), "period '2001-2000' is no reporting year"),
        (dict(probability=0.0), "probability = 0.0 must be above 0 and at most 1"),
        (dict(probability=90), "must be above 0 and at most 1"),
        (dict(low=10, high=5), "low = 10 must be below high = 5 [RWF per household per year]"),
        (dict(high=2e7), "high = 2e+07 is outside what scheme.household_premium_rwf allows, 0 to 1e+07"),
        (dict(low="a"), "low must be a number"),
        (dict(max_evaluations=5), "max_evaluations = 5 is outside 10 to 1000"),
        (dict(replicates=0), "replicates = 0"),
        (dict(goal="nothing"), "is not written as a variable"),
    ],
)
def test_wrong_questions(base: Scenario, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError) as problem:  # noqa: PT011
        solve(base, PREMIUM, **{"goal": "balance", **arguments})  # type: ignore[arg-type]
    assert said in str(problem.value)


def test_a_value_that_breaks_a_rule_is_said_before_anything_runs(base: Scenario) -> None:
    with pytest.raises(ValueError, match=r"subsidy.state_share = 0\.\d+ cannot be simulated: .*donor_share"):
        solve(base, "subsidy.state_share", goal="balance")
