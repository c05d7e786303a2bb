"""What every indicator promises: weights are repetitions, row order is nothing, bad input is named."""

from __future__ import annotations

import doctest
import importlib
import inspect
import math
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbhi import indicators as ind

MODULES = [f"{ind.__name__}.{module.name}" for module in pkgutil.iter_modules(ind.__path__)]
FUNCTIONS = {name: getattr(ind, name) for name in ind.__all__ if inspect.isfunction(getattr(ind, name))}

Rows = dict[str, np.ndarray]

# How each weighted indicator reads a table of rows, and how the rows' results are compared.
WEIGHTED: dict[str, Callable[[Rows, Any], Any]] = {
    "gini": lambda r, w: ind.gini(r["x"], w),
    "lorenz_curve": lambda r, w: ind.lorenz_curve(r["x"], w, points=[0.1, 0.37, 0.5, 0.9]),
    "concentration_curve": lambda r, w: ind.concentration_curve(r["y"], r["x"], w, points=[0.1, 0.37, 0.5]),
    "concentration_index": lambda r, w: ind.concentration_index(r["y"], r["x"], w),
    "concentration_index_estimate": lambda r, w: ind.concentration_index_estimate(r["y"], r["x"], w)[:2],
    "generalised_concentration_index": lambda r, w: ind.generalised_concentration_index(r["y"], r["x"], w),
    "erreygers_index": lambda r, w: ind.erreygers_index(r["a"], r["x"], w),
    "wagstaff_index": lambda r, w: ind.wagstaff_index(r["a"], r["x"], w),
    "extended_concentration_index": lambda r, w: ind.extended_concentration_index(
        r["y"], r["x"], w, aversion=3.5
    ),
    "kakwani_index": lambda r, w: ind.kakwani_index(r["y"], r["x"], w),
    "reynolds_smolensky_index": lambda r, w: ind.reynolds_smolensky_index(r["y"] / 40, r["x"], w),
    "redistributive_effect": lambda r, w: ind.redistributive_effect(r["y"] / 40, r["x"], w),
    "quantile_shares": lambda r, w: ind.quantile_shares(r["y"], r["x"], w),
    "benefit_incidence": lambda r, w: ind.benefit_incidence(r["y"], r["x"], w, unit_cost=7, fees=r["y"])[1:],
    "horizontal_inequity": lambda r, w: ind.horizontal_inequity(r["y"], r["x"], r["a"], w),
    "catastrophic_headcount": lambda r, w: ind.catastrophic_headcount(r["y"], r["x"], w, threshold=0.2),
    "catastrophic_overshoot": lambda r, w: ind.catastrophic_overshoot(r["y"], r["x"], w),
    "mean_positive_overshoot": lambda r, w: ind.mean_positive_overshoot(r["y"], r["x"], w),
    "catastrophic_concentration_index": lambda r, w: ind.catastrophic_concentration_index(
        r["y"], r["x"], w, threshold=0.5
    ),
    "rank_weighted_headcount": lambda r, w: ind.rank_weighted_headcount(r["y"], r["x"], w, threshold=0.5),
    "rank_weighted_overshoot": lambda r, w: ind.rank_weighted_overshoot(r["y"], r["x"], w),
    "large_budget_share_headcount": lambda r, w: ind.large_budget_share_headcount(
        r["y"], r["x"], w, household_size=r["n"]
    ),
    "societal_poverty_line": lambda r, w: ind.societal_poverty_line(r["x"], w),
    "financial_hardship": lambda r, w: ind.financial_hardship(
        r["y"], r["x"], w, poverty_line=4, household_size=r["n"]
    ),
    "subsistence_food": lambda r, w: ind.subsistence_food(r["y"], r["x"], r["n"], w),
    "catastrophic_headcount_capacity_to_pay": lambda r, w: ind.catastrophic_headcount_capacity_to_pay(
        r["y"], r["x"] / 2, r["x"], r["n"], w
    ),
    "foster_greer_thorbecke": lambda r, w: ind.foster_greer_thorbecke(r["x"], w, poverty_line=9, alpha=2),
    "poverty_headcount": lambda r, w: ind.poverty_headcount(r["x"], w, poverty_line=9),
    "poverty_gap": lambda r, w: ind.poverty_gap(r["x"], w, poverty_line=9),
    "impoverishment": lambda r, w: ind.impoverishment(r["y"], r["x"], w, poverty_line=9),
    "coverage_of_poor": lambda r, w: ind.coverage_of_poor(r["a"], r["b"], w),
    "coverage_of_non_poor": lambda r, w: ind.coverage_of_non_poor(r["a"], r["b"], w),
    "exclusion_error": lambda r, w: ind.exclusion_error(r["a"], r["b"], w),
    "inclusion_error": lambda r, w: ind.inclusion_error(r["a"], r["b"], w),
    "leakage": lambda r, w: ind.leakage(r["y"], r["a"], w),
    "targeting_differential": lambda r, w: ind.targeting_differential(r["a"], r["b"], w),
    "coady_grosh_hoddinott": lambda r, w: ind.coady_grosh_hoddinott(r["y"], r["x"], w),
    "decile_incidence": lambda r, w: ind.decile_incidence(r["y"], r["x"], w),
    "coverage_by_quantile": lambda r, w: ind.coverage_by_quantile(r["a"], r["x"], w),
    "cost_per_correctly_covered": lambda r, w: ind.cost_per_correctly_covered(100, r["a"], r["b"], w),
    "cost_curve_slope": lambda r, w: ind.cost_curve_slope(r["x"], r["y"], w)[:3],
    "positive_correlation_test": lambda r, w: ind.positive_correlation_test(r["a"], r["b"], weights=w),
    "risk_gap": lambda r, w: ind.risk_gap(r["y"], r["a"], w),
    "counterfactual_average_cost": lambda r, w: ind.counterfactual_average_cost(r["y"], r["a"], w),
    "probability_of_arrears": lambda r, w: ind.probability_of_arrears(r["y"], w, days=8),
    "share_of_time_in_arrears": lambda r, w: ind.share_of_time_in_arrears(
        np.column_stack([r["x"], r["y"]]), w, days=8
    ),
    "ruin_probability_by_horizon": lambda r, w: ind.ruin_probability_by_horizon(
        np.column_stack([r["x"], r["x"] - r["y"], r["x"] - 2 * r["y"]]), w
    ),
    "value_at_risk": lambda r, w: ind.value_at_risk(r["y"], w, level=0.7),
    "tail_value_at_risk": lambda r, w: ind.tail_value_at_risk(r["y"], w, level=0.7),
    "earned_premium": lambda r, w: ind.earned_premium(r["y"], r["x"], w),
    "claims_promptness": lambda r, w: ind.claims_promptness(r["y"] * 10, w),
}
# These return one figure a row, which must follow its row.
PER_ROW: dict[str, Callable[[Rows, Any], np.ndarray]] = {
    "fractional_rank": lambda r, w: ind.fractional_rank(r["x"], w),
    "capacity_to_pay": lambda r, w: ind.capacity_to_pay(r["y"], r["x"], r["n"], w),
}


@st.composite
def weighted_rows(draw: st.DrawFn) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Draw a small table with many ties, whole weights (some zero), and a new order of its rows."""
    n = draw(st.integers(1, 9))
    column = lambda low, high: np.array(  # noqa: E731
        draw(st.lists(st.integers(low, high), min_size=n, max_size=n)), dtype=float
    )
    rows = {"x": column(1, 12), "y": column(0, 12), "n": column(1, 5), "a": column(0, 1), "b": column(0, 1)}
    weights = column(0, 3)
    weights[draw(st.integers(0, n - 1))] = 2
    return rows, weights, np.array(draw(st.permutations(range(n))))


def flat(result: Any) -> np.ndarray:
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.atleast_1d(np.asarray(part, dtype=float)) for part in parts])


def close(result: Any, expected: Any) -> bool:
    return bool(np.allclose(flat(result), flat(expected), rtol=1e-7, atol=1e-7, equal_nan=True))


quick = settings(max_examples=40, deadline=None, derandomize=True, database=None)


@pytest.mark.parametrize("name", sorted({**WEIGHTED, **PER_ROW}))
class TestRowsAndWeights:
    @quick
    @given(weighted_rows())
    def test_a_weight_of_two_is_the_row_twice(
        self, name: str, drawn: tuple[Rows, np.ndarray, np.ndarray]
    ) -> None:
        rows, weights, _ = drawn
        times = weights.astype(int)
        repeated = {key: np.repeat(column, times) for key, column in rows.items()}
        if name in PER_ROW:
            by_weight = np.repeat(PER_ROW[name](rows, weights), times)
            assert close(by_weight, PER_ROW[name](repeated, None))
        else:
            assert close(WEIGHTED[name](rows, weights), WEIGHTED[name](repeated, None))

    @quick
    @given(weighted_rows())
    def test_row_order_does_not_matter(self, name: str, drawn: tuple[Rows, np.ndarray, np.ndarray]) -> None:
        rows, weights, order = drawn
        shuffled = {key: column[order] for key, column in rows.items()}
        if name in PER_ROW:
            assert close(PER_ROW[name](shuffled, weights[order]), PER_ROW[name](rows, weights)[order])
        else:
            assert close(WEIGHTED[name](shuffled, weights[order]), WEIGHTED[name](rows, weights))

    def test_weights_matter(self, name: str) -> None:
        rows = {
            "x": np.array([2.0, 3, 5, 8, 11, 12, 20, 30]),
            "y": np.array([9.0, 1, 7, 0, 8, 3, 10, 2]),
            "n": np.array([1.0, 2, 3, 4, 5, 1, 2, 3]),
            "a": np.array([1.0, 0, 1, 1, 0, 0, 1, 0]),
            "b": np.array([1.0, 1, 0, 1, 0, 1, 0, 0]),
        }
        weights = [9, 1, 2, 1, 3, 1, 1, 4]
        function = {**WEIGHTED, **PER_ROW}[name]
        assert not close(function(rows, weights), function(rows, None))


def test_every_weighted_function_is_under_the_property() -> None:
    weighted = {name for name, f in FUNCTIONS.items() if "weights" in inspect.signature(f).parameters}
    assert weighted == {*WEIGHTED, *PER_ROW}


# One good call of every function that reads rows; scheme totals and openIMIS have tests of their own.
W = [1.0, 2.0, 1.0, 1.0]
XS, YS, NS = [1.0, 2.0, 3.0, 9.0], [0.5, 1.0, 0.0, 2.0], [1.0, 2.0, 2.0, 4.0]
AS, BS = [1.0, 0.0, 1.0, 0.0], [1.0, 1.0, 0.0, 0.0]
TABLE = [[1.0, 2.0], [3.0, 0.5], [0.0, 1.0], [2.0, 2.0]]
PAID = {"out_of_pocket": YS, "consumption": XS, "weights": W}
PICK = {"is_selected": AS, "is_poor": BS, "weights": W}
GOOD: dict[str, dict[str, Any]] = {
    "fractional_rank": {"rank_by": XS, "weights": W},
    "gini": {"values": XS, "weights": W},
    "lorenz_curve": {"values": XS, "weights": W, "points": [0.1, 0.5]},
    "concentration_curve": {"values": YS, "rank_by": XS, "weights": W, "points": [0.1, 0.5]},
    "concentration_index": {"values": YS, "rank_by": XS, "weights": W},
    "concentration_index_estimate": {"values": YS, "rank_by": XS, "weights": W},
    "generalised_concentration_index": {"values": YS, "rank_by": XS, "weights": W},
    "erreygers_index": {"values": AS, "rank_by": XS, "weights": W, "lower": 0.0, "upper": 1.0},
    "wagstaff_index": {"values": AS, "rank_by": XS, "weights": W, "lower": 0.0, "upper": 1.0},
    "extended_concentration_index": {"values": YS, "rank_by": XS, "weights": W, "aversion": 2.0},
    "grouped_concentration_index": {"group_size": NS, "group_mean": YS, "group_variance": YS},
    "kakwani_index": {"payments": YS, "ability": XS, "weights": W},
    "reynolds_smolensky_index": {"payments": YS, "ability": XS, "weights": W},
    "redistributive_effect": {"payments": YS, "ability": XS, "weights": W},
    "quantile_shares": {"values": YS, "rank_by": XS, "weights": W, "n_groups": 5},
    "benefit_incidence": {
        "use": YS,
        "rank_by": XS,
        "weights": W,
        "unit_cost": NS,
        "fees": YS,
        "n_groups": 5,
    },
    "horizontal_inequity": {"use": YS, "rank_by": XS, "need": NS, "weights": W, "controls": AS},
    "catastrophic_headcount": {**PAID, "threshold": 0.1},
    "catastrophic_overshoot": {**PAID, "threshold": 0.1},
    "mean_positive_overshoot": {**PAID, "threshold": 0.1},
    "catastrophic_concentration_index": {**PAID, "threshold": 0.1, "rank_by": NS},
    "rank_weighted_headcount": {**PAID, "threshold": 0.1, "rank_by": NS},
    "rank_weighted_overshoot": {**PAID, "threshold": 0.1, "rank_by": NS},
    "large_budget_share_headcount": {**PAID, "threshold": 0.1, "household_size": NS},
    "societal_poverty_line": {
        "consumption_per_person_day": XS,
        "weights": W,
        "floor": 2.15,
        "base": 1.15,
        "median_share": 0.5,
    },
    "financial_hardship": {**PAID, "poverty_line": NS, "threshold": 0.4, "household_size": NS},
    "subsistence_food": {
        "food": YS,
        "consumption": XS,
        "household_size": NS,
        "weights": W,
        "scale": 0.56,
    },
    "capacity_to_pay": {"food": YS, "consumption": XS, "household_size": NS, "weights": W, "scale": 0.56},
    "catastrophic_headcount_capacity_to_pay": {
        **PAID,
        "food": YS,
        "household_size": NS,
        "threshold": 0.4,
        "scale": 0.56,
    },
    "foster_greer_thorbecke": {"consumption": XS, "weights": W, "poverty_line": NS, "alpha": 1.0},
    "poverty_headcount": {"consumption": XS, "weights": W, "poverty_line": NS},
    "poverty_gap": {"consumption": XS, "weights": W, "poverty_line": NS},
    "impoverishment": {**PAID, "poverty_line": NS},
    "coverage_of_poor": PICK,
    "coverage_of_non_poor": PICK,
    "exclusion_error": PICK,
    "inclusion_error": PICK,
    "targeting_differential": PICK,
    "leakage": {"benefit": YS, "is_poor": BS, "weights": W},
    "coady_grosh_hoddinott": {"benefit": YS, "rank_by": XS, "weights": W, "poor_share": 0.4},
    "decile_incidence": {"benefit": YS, "rank_by": XS, "weights": W, "n_groups": 10},
    "coverage_by_quantile": {"is_selected": AS, "rank_by": XS, "weights": W, "n_groups": 5},
    "cost_per_correctly_covered": {"total_cost": 5.0, **PICK},
    "cost_curve_slope": {"price": XS, "cost": YS, "weights": W},
    "positive_correlation_test": {"is_enrolled": AS, "has_claim": BS, "weights": W},
    "risk_gap": {"risk": YS, "is_enrolled": AS, "weights": W},
    "counterfactual_average_cost": {"expected_cost": YS, "is_enrolled": AS, "weights": W},
    "probability_of_arrears": {"days_in_arrears": TABLE, "weights": W, "days": 90.0},
    "share_of_time_in_arrears": {"days_in_arrears": TABLE, "weights": W, "days": 90.0},
    "ruin_probability_by_horizon": {"reserves": TABLE, "weights": W, "barrier": 0.0},
    "bail_out_cost": {"reserves": TABLE},
    "value_at_risk": {"losses": YS, "weights": W, "level": 0.9},
    "tail_value_at_risk": {"losses": YS, "weights": W, "level": 0.9},
    "earned_premium": {"premium_per_year": YS, "months_exposed": XS, "weights": W},
    "claims_promptness": {"settlement_days": YS, "weights": W},
    "openimis_claim_indicators": {
        "first_day": "2011-07-01",
        "last_day": "2011-07-31",
        "start_date": ["2011-07-01"] * 4,
        "amount_remunerated": YS,
        "is_rejected": AS,
    },
}
ELSEWHERE = {
    "openimis_policy_indicators": "test_indicators_openimis.py",
    "openimis_derived_indicators": "test_indicators_openimis.py",
    "arrears_days": "below",
    "months_of_reserve": "below",
}
MASKS = {"is_selected", "is_poor", "is_enrolled", "has_claim", "is_rejected"}
NOT_NEGATIVE = {
    "weights",
    "out_of_pocket",
    "food",
    "benefit",
    "payments",
    "ability",
    "use",
    "household_size",
    "consumption_per_person_day",
    "expected_cost",
    "risk",
    "settlement_days",
    "months_exposed",
    "premium_per_year",
    "days_in_arrears",
    "group_mean",
    "group_size",
    "group_variance",
    "unit_cost",
    "fees",
    "points",
    "amount_remunerated",
    "total_cost",
    "days",
    "scale",
}
OPEN_SHARES = {"threshold", "poor_share", "level"}


def refused(name: str, argument: str, value: Any) -> str:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the message is read by the caller
        FUNCTIONS[name](**{**GOOD[name], argument: value})
    return str(error.value)


@pytest.mark.parametrize("name", sorted(GOOD))
class TestBadInput:
    def test_good_call_works(self, name: str) -> None:
        FUNCTIONS[name](**GOOD[name])

    def test_arrays(self, name: str) -> None:
        arrays = {k: v for k, v in GOOD[name].items() if isinstance(v, list)}
        assert arrays
        for argument, good in arrays.items():
            assert argument in refused(name, argument, [])
            assert argument in refused(name, argument, [[good]])
            assert argument in refused(name, argument, ["many"] * len(good))
            if isinstance(good[0], str):
                continue
            for bad in (math.nan, math.inf):
                spoiled = np.array(good)
                spoiled.flat[0] = bad
                assert argument in refused(name, argument, spoiled)
            if argument in MASKS:
                assert argument in refused(name, argument, [2.0, *good[1:]])
            if argument in NOT_NEGATIVE:
                spoiled = np.array(good)
                spoiled.flat[0] = -1
                assert argument in refused(name, argument, spoiled)

    def test_lengths(self, name: str) -> None:
        rows = {k for k, v in GOOD[name].items() if isinstance(v, list) and len(v) == len(W)}
        for argument in rows if len(rows) > 1 else ():
            assert "rows where" in refused(name, argument, GOOD[name][argument][:-1])

    def test_weights_that_are_all_zero(self, name: str) -> None:
        if "weights" in GOOD[name]:
            assert refused(name, "weights", [0.0] * len(W)) == "weights are all zero"

    def test_numbers(self, name: str) -> None:
        for argument in (k for k, v in GOOD[name].items() if isinstance(v, float | int)):
            for bad in (math.nan, math.inf, "many", [0.5, 0.5]):
                assert argument in refused(name, argument, bad)
            if argument in NOT_NEGATIVE:
                assert argument in refused(name, argument, -1.0)
            if argument in OPEN_SHARES:
                for bad in (0.0, 1.0, -0.1, 10.0):
                    assert argument in refused(name, argument, bad)
            if argument == "n_groups":
                for bad in (0, 2.5):
                    assert argument in refused(name, argument, bad)


def test_every_function_is_tested_on_bad_input() -> None:
    from cbhi.indicators import insurance, monitoring

    totals = {n for m in (insurance, monitoring) for n in m.__all__} - set(GOOD)
    assert set(FUNCTIONS) == set(GOOD) | set(ELSEWHERE) | (totals & set(FUNCTIONS))


@pytest.mark.parametrize("function", [ind.arrears_days, ind.months_of_reserve])
def test_totals_of_solvency(function: Callable[..., Any]) -> None:
    first, second = inspect.signature(function).parameters
    for bad in (math.inf, "many", []):
        with pytest.raises(ValueError, match=first):
            function(bad, 1)
        with pytest.raises(ValueError, match=second):
            function(1, bad)
    with pytest.raises(ValueError, match=f"{second} must not be negative"):
        function(1, -1)
    with pytest.raises(ValueError, match="different shapes"):
        function([1, 2], [1, 2, 3])


def test_other_bounds() -> None:
    for name, argument, bad in [
        ("extended_concentration_index", "aversion", 0.5),
        ("erreygers_index", "upper", 0.0),
        ("lorenz_curve", "points", [1.5]),
        ("catastrophic_headcount", "consumption", [0.0, 1.0, 2.0, 3.0]),
        ("foster_greer_thorbecke", "poverty_line", 0.0),
        ("foster_greer_thorbecke", "alpha", -1.0),
        ("grouped_concentration_index", "group_size", [0.0, 1.0, 2.0, 3.0]),
        ("subsistence_food", "household_size", [0.0, 1.0, 2.0, 3.0]),
        ("societal_poverty_line", "floor", -1.0),
    ]:
        assert argument in refused(name, argument, bad)


@pytest.mark.parametrize("module", MODULES)
def test_doctests(module: str) -> None:
    result = doctest.testmod(importlib.import_module(module))
    assert result.failed == 0
    if not module.rpartition(".")[2].startswith("_"):
        assert result.attempted > 0


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_docstring_has_every_section(name: str) -> None:
    text = inspect.getdoc(FUNCTIONS[name]) or ""
    lines = text.splitlines()
    assert lines[0].endswith(".")
    assert not lines[1]
    for section in ("Parameters", "Returns", "Raises", "References", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    for parameter in inspect.signature(FUNCTIONS[name]).parameters:
        assert parameter in text


def test_public_names_are_declared_once_and_sorted() -> None:
    declared = [n for m in MODULES if "._" not in m for n in importlib.import_module(m).__all__]
    assert sorted(declared) == sorted(ind.__all__)
    assert len(set(ind.__all__)) == len(ind.__all__)


def test_every_public_function_is_in_the_docs() -> None:
    page = Path(__file__).parents[2] / "docs" / "indicators.md"
    text = page.read_text(encoding="utf-8")
    missing = [name for name in FUNCTIONS if f"`{name}`" not in text]
    assert not missing


def test_import_is_light() -> None:
    code = (
        "import sys, cbhi.indicators; "
        "print([m for m in ('scipy.stats', 'scipy.optimize', 'pandas', 'numba') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_example_of_the_docs_page_runs() -> None:
    text = (Path(__file__).parents[2] / "docs" / "indicators.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    shown = [line.split("#") for line in code.splitlines() if line.startswith("indicators.")]
    names: dict[str, Any] = {}
    exec(code, names)
    results = [eval(call, names) for call, _ in shown]
    assert results[0] == pytest.approx(0.4)
    assert results[1] == pytest.approx(-0.2)
    assert results[2] == 0.8
    assert results[3] == pytest.approx([0.7, 0.9, math.nan], nan_ok=True)
    assert [comment.split(":")[0].strip() for _, comment in shown] == ["0.4", "-0.2", "0.8", "0.7, 0.9, nan"]
