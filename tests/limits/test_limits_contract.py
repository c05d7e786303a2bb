"""What every function of `cbhi.limits` promises: refusals, documentation, lightness."""

import doctest
import importlib
import inspect
import math
import pkgutil
import random
import re
import subprocess
import sys
from dataclasses import is_dataclass
from pathlib import Path

import numpy as np
import pytest

from cbhi import limits

CLAIMS = limits.aggregate_poisson(2, [0, 0.5, 0.3, 0.2], 20)
TOY = [0, 20, 5, 28, 30, 60, 40, 78]
SMALL_GAME = {frozenset("a"): 1.0, frozenset("b"): 2.0, frozenset("ab"): 4.0}

# function: arguments that it accepts, and for each argument values that it must refuse
CASES: dict[str, tuple[dict[str, object], dict[str, list[object]]]] = {
    "affordable_share": (
        {"premium": 1_000, "household_size": 4.6, "median_cash": 6_000, "log_sd": 1},
        {"premium": [0, -1], "household_size": [0, -1], "median_cash": [0, -1], "log_sd": [0, -1]},
    ),
    "aggregate_binomial": (
        {"n_trials": 4, "probability": 0.5, "severity_pmf": [0, 1], "n_terms": 5},
        {
            "n_trials": [0, 1.5],
            "probability": [-0.1, 1.1],
            "severity_pmf": [[0.5, 0.4], [1.5, -0.5], [math.nan, 1], [], [[1.0]]],
            "n_terms": [0, -1],
        },
    ),
    "aggregate_negative_binomial": (
        {"mean_count": 2, "size": 2, "severity_pmf": [0, 1], "n_terms": 5},
        {
            "mean_count": [-1],
            "size": [0, -1],
            "severity_pmf": [[0.5, 0.4], [1.5, -0.5], []],
            "n_terms": [0, 2.5],
        },
    ),
    "aggregate_poisson": (
        {"mean_count": 2, "severity_pmf": [0, 1], "n_terms": 5},
        {"mean_count": [-1], "severity_pmf": [[0.5, 0.4], [1.5, -0.5], [math.inf]], "n_terms": [0]},
    ),
    "akerlof_market": (
        {"max_cost": 100, "risk_premium": 10, "slope": 1, "loading": 0.1},
        {"max_cost": [0, -1], "risk_premium": [], "slope": [0, -1, 0.55], "loading": [-0.1]},
    ),
    "akerlof_repricing": (
        {"max_cost": 100, "risk_premium": 10, "first_price": 50, "n_years": 5, "slope": 1, "loading": 0.1},
        {
            "max_cost": [0],
            "risk_premium": [],
            "first_price": [-1],
            "n_years": [-1, 0.5],
            "slope": [0, 0.5],
            "loading": [-0.1],
        },
    ),
    "banzhaf_values": ({"worths": TOY}, {"worths": [[0, 1, 2], [1], [], [0, math.nan], [[0, 1]]]}),
    "bass_coverage": (
        {"time": 5, "innovation": 0.03, "imitation": 0.38, "dropout": 0.1, "initial_share": 0.1},
        {
            "time": [-1],
            "innovation": [-0.1],
            "imitation": [-0.1],
            "dropout": [-0.1],
            "initial_share": [-0.1, 1.1],
        },
    ),
    "bass_path": (
        {"n_years": 5, "innovation": 0.03, "imitation": 0.38, "dropout": 0.1, "initial_share": 0.1},
        {
            "n_years": [-1, 1.5],
            "innovation": [-0.1, 1.1],
            "imitation": [-0.1, 0.98],
            "dropout": [-0.1, 1.1],
            "initial_share": [-0.1, 1.1],
        },
    ),
    "bass_peak": ({"innovation": 0.03, "imitation": 0.38}, {"innovation": [0, -1], "imitation": [-0.1]}),
    "bass_steady_share": (
        {"innovation": 0, "imitation": 0.38, "dropout": 0},
        {"innovation": [-0.1], "imitation": [-0.1, 0], "dropout": [-0.1]},
    ),
    "besley_coate": ({"burden": 0.2}, {"burden": [-0.1, 1.1]}),
    "beta_geometric_renewal": (
        {"tenure": 1, "a": 1, "b": 3},
        {"tenure": [0, 1.5], "a": [0, -1], "b": [0, -1]},
    ),
    "beta_geometric_survival": ({"tenure": 1, "a": 1, "b": 3}, {"tenure": [-1, 1.5], "a": [0], "b": [0]}),
    "bivariate_normal_cdf": (
        {"x": 0, "y": 0, "correlation": 0.5},
        {"x": [], "y": [], "correlation": [-1.1, 1.1]},
    ),
    "break_even_interest": (
        {"funding_rate": 0.08, "operating_rate": 0.15, "default_share": 0.04},
        {"funding_rate": [-0.1], "operating_rate": [-0.1], "default_share": [-0.1, 1, 1.1]},
    ),
    "bundling_factor": (
        {"n_members": 4.5, "correlation": 0.2},
        {"n_members": [0.9, 0], "correlation": [-0.1, 1.1]},
    ),
    "ce_compound_negative_binomial": (
        {"risk_aversion": 0.1, "mean_count": 2, "size": 4, "mean_severity": 3},
        {
            "risk_aversion": [0, -1, 0.5],
            "mean_count": [-1, 10],
            "size": [0, -1],
            "mean_severity": [0, 10, 11],
        },
    ),
    "ce_compound_poisson": (
        {"risk_aversion": 0.1, "mean_count": 2, "mean_severity": 3},
        {"risk_aversion": [0, -1, 0.5], "mean_count": [-1], "mean_severity": [0, -1, 10]},
    ),
    "ce_gamma": (
        {"risk_aversion": 0.1, "shape": 2, "scale": 3},
        {"risk_aversion": [0, -1, 0.5], "shape": [0], "scale": [0, 10]},
    ),
    "ce_normal": (
        {"risk_aversion": 0.1, "mean": 6, "sd": 6},
        {"risk_aversion": [0, -1], "mean": [], "sd": [-1, 1e200]},
    ),
    "cgh_ratio": (
        {"correlation": 0.5, "selected_share": 0.24, "bottom_share": 0.4},
        {"correlation": [-1.1, 1.1], "selected_share": [0, 1], "bottom_share": [0, 1]},
    ),
    "concentration_index": (
        {"values": [1, 2], "ranking": [1, 2], "weights": [1, 1]},
        {
            "values": [[0, 0], [-1, -2], [1, math.nan], [], [1, 2, 3]],
            "ranking": [[1], [math.inf, 1]],
            "weights": [[1], [0, 1], [-1, 2]],
        },
    ),
    "cooperation_folds": (
        {"conditional_share": 0.75, "threshold_mean": 0.4, "threshold_sd": 0.1},
        {"conditional_share": [0, 1, 0.2], "threshold_mean": [], "threshold_sd": [0, -1, 0.3]},
    ),
    "count_moments": (
        {"mean": 1, "size": 0.5, "zero_inflation": 0.3},
        {"mean": [0, -1, 1e200], "size": [0, -1], "zero_inflation": [-0.1, 1.1]},
    ),
    "count_probability": (
        {"count": 2, "mean": 1, "size": 0.5, "zero_inflation": 0.3},
        {"count": [-1, 0.5], "mean": [0], "size": [0], "zero_inflation": [-0.1, 1.1]},
    ),
    "coverage_after": (
        {"n_years": 1, "initial_share": 0.4, "entry": 0.25, "dropout": 0},
        {"n_years": [-1, 0.5], "initial_share": [-0.1, 1.1], "entry": [-0.1, 1.1, 0], "dropout": [-0.1, 1.1]},
    ),
    "deficit_probability": (
        {"n_members": 100, "cv": 4, "margin": 0.05, "shock_correlation": 0.1},
        {"n_members": [0, 1.5], "cv": [0, -1], "margin": [], "shock_correlation": [-0.1, 1.1]},
    ),
    "erlang_b": ({"n_servers": 3, "load": 2}, {"n_servers": [0, 1.5], "load": [-1]}),
    "erlang_c": ({"n_servers": 3, "load": 2}, {"n_servers": [0, 2, 1.5], "load": [-1, 3, 4]}),
    "erreygers_index": (
        {"index": 0.3, "mean": 0.5, "lower": 0, "upper": 1},
        {"index": [-1.1, 1.1], "mean": [0, 1], "lower": [-1], "upper": [0, -1, 0.4]},
    ),
    "experience_rate": (
        {"n_claims": 3, "years": 1, "mean": 1, "size": 0.5},
        {"n_claims": [-1, 0.5], "years": [-1], "mean": [0], "size": [0]},
    ),
    "finite_queue": (
        {"arrival_rate": 3.5, "service_rate": 1, "n_servers": 3, "capacity": 10},
        {"arrival_rate": [0, -1], "service_rate": [0], "n_servers": [0, 1.5], "capacity": [2, 3.5]},
    ),
    "fractional_ranks": (
        {"ranking": [1, 2], "weights": [1, 1]},
        {"ranking": [[], [math.nan, 1], [[1, 2]]], "weights": [[1], [0, 1]]},
    ),
    "game_array": (
        {"players": ["a", "b"], "worths": SMALL_GAME},
        {"players": [[], ["a", "a"]], "worths": [{}, {**SMALL_GAME, frozenset("c"): 1.0}]},
    ),
    "generalised_concentration_index": ({"index": 0.3, "mean": 2}, {"index": [-1.1, 1.1], "mean": [0, -1]}),
    "grouped_concentration_index": (
        {"group_sizes": [3, 4], "group_totals": [1, 2]},
        {"group_sizes": [[1], [0, 1], [1, math.nan], [1, 2, 3]], "group_totals": [[0, 0], [-1, 2], [1]]},
    ),
    "implied_entry": (
        {"steady_share": 0.6, "dropout": 0.3},
        {"steady_share": [-0.1, 1, 0.9], "dropout": [-0.1, 1.1, 0.9]},
    ),
    "insured_risk_gap": ({"coverage_share": 0.1, "sd": 1}, {"coverage_share": [0, 1], "sd": [-1]}),
    "joint_liability_repayment": (
        {"n_members": 5, "min_successes": 4, "success_probability": 0.9, "correlation": 0.2},
        {
            "n_members": [0, 1.5],
            "min_successes": [-1, 6, 0.5],
            "success_probability": [-0.1, 1.1],
            "correlation": [-0.1, 1.1],
        },
    ),
    "lender_recovery": (
        {"n_members": 5, "success_probability": 0.9, "max_shares": 1.5, "correlation": 0.2},
        {
            "n_members": [0, 1.5],
            "success_probability": [-0.1, 1.1],
            "max_shares": [0.9],
            "correlation": [-0.1, 1.1],
        },
    ),
    "linear_cooperation": (
        {"unconditional_share": 0.05, "conditional_share": 0.5, "slope": 0.8},
        {"unconditional_share": [-0.1, 1.1], "conditional_share": [-0.1, 0.96], "slope": [-0.1, 2, 1.95]},
    ),
    "linear_market": (
        {
            "demand_intercept": 0.94,
            "demand_slope": 0.0007,
            "cost_intercept": 391.69,
            "cost_slope": 0.15,
            "penalty": 10,
        },
        {
            "demand_intercept": [0, -1, 2, 0.1],
            "demand_slope": [0, -1, 0.01],
            "cost_intercept": [-1, 5_000],
            "cost_slope": [0.5, 0.7],
            "penalty": [-1, 5_000],
        },
    ),
    "little_stock": ({"rate": 100, "delay": 3}, {"rate": [-1], "delay": [-1]}),
    "lognormal_concentration": ({"elasticity": 0.5, "sigma": 1}, {"elasticity": [], "sigma": [-1]}),
    "lognormal_gini": ({"sigma": 1}, {"sigma": [-1]}),
    "lognormal_kakwani": ({"elasticity": 0.5, "sigma": 1}, {"elasticity": [], "sigma": [-1]}),
    "lognormal_lorenz": (
        {"population_share": 0.2, "sigma": 1, "elasticity": 1},
        {"population_share": [-0.1, 1.1], "sigma": [-1], "elasticity": []},
    ),
    "lognormal_poverty": (
        {"line": 0.5, "mean": 1, "sigma": 1},
        {"line": [0, -1], "mean": [0, -1], "sigma": [0, -1]},
    ),
    "lognormal_poverty_line": (
        {"headcount": 0.4, "mean": 1, "sigma": 1},
        {"headcount": [0, 1], "mean": [0], "sigma": [0, 38, 100]},
    ),
    "lognormal_sigma": ({"gini": 0.49}, {"gini": [-0.1, 1, 1.1]}),
    "max_loading": (
        {"certainty_equivalent": 8, "mean": 6},
        {"certainty_equivalent": [5], "mean": [0, -1, 9]},
    ),
    "moebius_transform": ({"worths": TOY}, {"worths": [[0, 1, 2], [1], [math.inf, 1]]}),
    "multi_server_queue": (
        {"arrival_rate": 10, "service_rate": 4, "n_servers": 3},
        {"arrival_rate": [0, 12, 13], "service_rate": [0, -1, 3], "n_servers": [0, 2, 1.5]},
    ),
    "normal_market": (
        {"mean": 2, "sd": 1, "risk_premium": 0.8, "loading": 0.01},
        {"mean": [-1], "sd": [0, -1], "risk_premium": [-1], "loading": [-0.1]},
    ),
    "pareto_alpha": ({"gini": 0.49}, {"gini": [0, 1, -0.1]}),
    "pareto_gini": ({"alpha": 1.5}, {"alpha": [1, 0.5]}),
    "renewal_chain": ({"entry": 0.25, "dropout": 0}, {"entry": [-0.1, 1.1, 0], "dropout": [-0.1, 1.1]}),
    "rothschild_stiglitz": (
        {"wealth": 100, "loss": 75, "low_risk": 0.1, "high_risk": 0.4, "relative_risk_aversion": 2},
        {
            "wealth": [75, 50, -1],
            "loss": [0, -1, 100],
            "low_risk": [0, 0.4, 1],
            "high_risk": [0.1, 0.05, 1],
            "relative_risk_aversion": [0, -1],
        },
    ),
    "ruin_exponential": (
        {"capital": 10, "loading": 0.2, "mean_claim": 1},
        {"capital": [-1], "loading": [0, -0.1], "mean_claim": [0, -1]},
    ),
    "ruin_lattice_within": (
        {"capital": 4, "income": 1, "claims_pmf": [0.55, 0, 0.45], "n_periods": 10},
        {
            "capital": [-1, 0.5],
            "income": [-1, 0.5],
            "claims_pmf": [[0.5, 0.4], [0.6, 0.6], [1.5, -0.5], [math.nan], []],
            "n_periods": [-1, 0.5, 100_001],
        },
    ),
    "ruin_mixture": (
        {"capital": 1, "loading": 0.4, "weights": [0.5, 0.5], "rates": [3, 7]},
        {
            "capital": [-1],
            "loading": [0, -0.1],
            "weights": [[0.5, 0.4], [1.0], [1.5, -0.5], [math.nan, 1]],
            "rates": [[3], [3, 0], [3, -1], [3, math.inf]],
        },
    ),
    "ruin_mixture_terms": (
        {"loading": 0.4, "weights": [0.5, 0.5], "rates": [3, 7]},
        {"loading": [0, -0.1], "weights": [[0.5, 0.4], [1.0]], "rates": [[3], [3, 0], [3, math.nan]]},
    ),
    "ruin_walk": (
        {"capital": 4, "loss_probability": 0.45},
        {"capital": [-1, 0.5], "loss_probability": [0, 1]},
    ),
    "ruin_walk_within": (
        {"capital": 4, "loss_probability": 0.45, "n_years": 10},
        {"capital": [-1, 0.5], "loss_probability": [0, 1], "n_years": [-1, 0.5]},
    ),
    "safety_loading": (
        {"n_members": 100, "cv": 4, "shock_correlation": 0.1, "level": 0.95},
        {"n_members": [0, 1.5], "cv": [0, -1], "shock_correlation": [-0.1, 1.1], "level": [0.4, 1]},
    ),
    "safety_loading_floor": (
        {"cv": 4, "shock_correlation": 0.1, "level": 0.95},
        {"cv": [0, -1], "shock_correlation": [-0.1, 1.1], "level": [0.4, 1]},
    ),
    "sanction_threshold": (
        {"n_members": 20, "fine": 0.2, "marginal_return": 0.4},
        {"n_members": [1, 1.5], "fine": [0, -1], "marginal_return": [-0.1, 1]},
    ),
    "score_targeting": (
        {"correlation": 0.5, "poor_share": 0.24, "selected_share": 0.4},
        {"correlation": [-1.1, 1.1], "poor_share": [0, 1], "selected_share": [0, 1]},
    ),
    "shapley_interactions": ({"worths": TOY}, {"worths": [[0, 1], [0, 1, 2], [0, 1, 2, math.nan]]}),
    "shapley_values": ({"worths": TOY}, {"worths": [[0, 1, 2], [1], [], np.zeros(1 << 21)]}),
    "stop_loss_exponential": ({"mean_claim": 1, "retention": 2}, {"mean_claim": [0, -1], "retention": [-1]}),
    "stop_loss_premium": ({"claims": CLAIMS, "retention": 6}, {"claims": [], "retention": [-1, 20.5]}),
    "tail_probability": ({"claims": CLAIMS, "threshold": 6}, {"claims": [], "threshold": [-1, 20]}),
    "threshold_cooperation": (
        {"unconditional_share": 0.05, "conditional_share": 0.75, "threshold_mean": 0.4, "threshold_sd": 0.1},
        {
            "unconditional_share": [-0.1, 1.1, 0.3],
            "conditional_share": [-0.1, 0.96],
            "threshold_mean": [],
            "threshold_sd": [0, -1],
        },
    ),
    "total_synergy": ({"worths": TOY}, {"worths": [[0, 1, 2], [1]]}),
    "two_part_mean": (
        {"probability": 0.04, "log_mean": 9, "log_sd": 1},
        {"probability": [-0.1, 1.1], "log_mean": [800], "log_sd": [-1, 40]},
    ),
    "vasicek_cdf": (
        {"loss_share": 0.25, "default_probability": 0.05, "correlation": 0.2},
        {"loss_share": [0, 1], "default_probability": [0, 1], "correlation": [0, 1]},
    ),
    "vasicek_moments": (
        {"default_probability": 0.05, "correlation": 0.2},
        {"default_probability": [0, 1], "correlation": [-0.1, 1.1]},
    ),
    "vasicek_quantile": (
        {"default_probability": 0.05, "correlation": 0.2, "level": 0.99},
        {"default_probability": [0, 1], "correlation": [-0.1, 1], "level": [0, 1]},
    ),
    "wagstaff_index": (
        {"index": 0.3, "mean": 0.5, "lower": 0, "upper": 1},
        {"index": [-1.1, 1.1], "mean": [0, 1], "lower": [-1, 0.6], "upper": [0, 0.4]},
    ),
    "wait_exceeds": (
        {"time": 0.5, "arrival_rate": 10, "service_rate": 4, "n_servers": 3},
        {"time": [-1], "arrival_rate": [0, 12], "service_rate": [0, 3], "n_servers": [0, 2, 1.5]},
    ),
    "waiting_period_share": (
        {"waiting_years": 0.1, "mean_spell_years": 0.25},
        {"waiting_years": [-1], "mean_spell_years": [0, -1]},
    ),
    "years_to_steady": (
        {"initial_share": 0.4, "entry": 0.25, "dropout": 0, "tolerance": 0.01},
        {
            "initial_share": [-0.1, 1.1],
            "entry": [-0.1, 1.1, 0],
            "dropout": [-0.1, 1.1],
            "tolerance": [0, 1],
        },
    ),
}

FUNCTIONS = sorted(name for name in limits.__all__ if inspect.isfunction(getattr(limits, name)))
MODULES = sorted(m.name for m in pkgutil.iter_modules(limits.__path__) if not m.name.startswith("_"))


def bad_calls():
    for name, (good, bad) in CASES.items():
        for argument, values in bad.items():
            odd = [math.nan, math.inf, -math.inf] if isinstance(good[argument], (int, float)) else []
            for value in [*odd, *values]:
                label = "long" if isinstance(value, np.ndarray) else str(value)
                yield pytest.param(name, argument, value, id=f"{name}-{argument}-{label}")


def test_every_public_function_has_a_case():
    assert sorted(CASES) == FUNCTIONS


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_good_arguments_are_all_of_them_and_accepted(name):
    good, bad = CASES[name]
    function = getattr(limits, name)
    assert list(good) == list(bad) == list(inspect.signature(function).parameters)
    function(**good)


@pytest.mark.parametrize(("name", "argument", "value"), list(bad_calls()))
def test_bad_input_is_refused_by_name_and_domain(name, argument, value):
    good, _ = CASES[name]
    with pytest.raises(ValueError, match=r"^[^:]* must be .+, got .+") as caught:
        getattr(limits, name)(**{**good, argument: value})
    message = str(caught.value)
    subject = message.split(" must be ")[0]
    parameters = [p for p in good if re.search(rf"\b{p}\b", subject)]
    assert parameters, message
    if isinstance(value, (int, float)) and not math.isfinite(value):
        integer = isinstance(good[argument], int) and "integer" in message
        assert subject == argument
        assert integer or "finite number" in message
        assert str(value) in message


@pytest.mark.parametrize("value", ["1", None, True, 1j, [1.0]])
def test_what_is_no_number_is_a_type_error(value):
    with pytest.raises(TypeError, match=r"^capital must be a real number, got "):
        limits.ruin_exponential(value, 0.2, 1)
    with pytest.raises(TypeError, match=r"^n_servers must be an integer, got "):
        limits.erlang_b(value, 0.2)


@pytest.mark.parametrize("value", [["a", "b"], [[1.0], [1.0, 2.0]], [1j, 2]])
def test_what_is_no_array_is_a_type_error(value):
    with pytest.raises(TypeError, match=r"^worths must be an array of real numbers, got "):
        limits.shapley_values(value)


def test_numpy_scalars_are_numbers():
    assert limits.erlang_b(np.int64(3), np.float64(2)) == limits.erlang_b(3, 2)
    assert limits.erlang_b(3.0, np.float32(2)) == limits.erlang_b(3, 2)


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    result = doctest.testmod(importlib.import_module(f"cbhi.limits.{module}"))
    assert result.attempted > 0
    assert result.failed == 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_documentation_is_complete(name):
    function = getattr(limits, name)
    text = inspect.getdoc(function)
    first, blank, *_ = text.splitlines()
    assert first.endswith(".")
    assert blank == ""
    for section in ("Parameters", "Returns", "Raises", "Examples"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    assert ">>> " in text
    documented = re.findall(r"^([a-z_, ]+) : ", text.split("Returns\n")[0], flags=re.MULTILINE)
    assert [p for line in documented for p in line.split(", ")] == list(
        inspect.signature(function).parameters
    )
    assert name == "game_array" or "\nNotes\n" in text


def test_bundles_are_frozen():
    bundles = [getattr(limits, name) for name in limits.__all__ if name not in FUNCTIONS]
    assert bundles
    for bundle in bundles:
        assert is_dataclass(bundle)
        assert bundle.__dataclass_params__.frozen


def test_namespace_holds_every_public_name_of_its_modules():
    names = set()
    for module in MODULES:
        source = importlib.import_module(f"cbhi.limits.{module}")
        names |= {
            n
            for n, o in vars(source).items()
            if not n.startswith("_") and getattr(o, "__module__", "") == source.__name__
        }
    assert names == set(limits.__all__)
    assert len(set(limits.__all__)) == len(limits.__all__)


def test_the_page_on_limits_lists_every_function_and_its_example_runs():
    page = Path(__file__).parents[2] / "docs" / "limits.md"
    listed = re.findall(r"^\| `([a-z_0-9]+)` \|", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(listed) == FUNCTIONS
    result = doctest.testfile(str(page), module_relative=False, encoding="utf-8")
    assert result.attempted > 5
    assert result.failed == 0


def test_importing_is_light_and_silent():
    code = "import sys, cbhi.limits; print({'scipy', 'scipy.stats', 'matplotlib'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
    assert done.stderr == ""


EXTREMES = [0.0, 5e-324, 1e-300, 1e-12, 0.1, 0.3, 0.5, 0.9, 1 - 1e-12, 1.0, 1 + 1e-12, 1.5, 37.0]
EXTREMES += [300.0, 1e6, 1e12, 1e150, 1e300, 1.7e308, -1e-300, -1e-3, -0.5, -1.0, -1e12, -1e300]


def is_finite(result):
    if is_dataclass(result):
        return all(is_finite(getattr(result, field)) for field in result.__dataclass_fields__)
    if isinstance(result, tuple):
        return all(map(is_finite, result))
    return result is None or bool(np.all(np.isfinite(result)))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_extreme_numbers_give_a_finite_result_or_a_named_refusal(name):
    good, _ = CASES[name]
    function = getattr(limits, name)
    parameters = inspect.signature(function).parameters
    rng = random.Random(name)
    refusals = set()
    for _ in range(300):
        arguments = dict(good)
        for key, value in good.items():
            if isinstance(value, (int, float)) and rng.random() < 0.7:
                whole = parameters[key].annotation is int
                arguments[key] = rng.choice((0, 1, 2, 3, 5, 10, 50, 300) if whole else EXTREMES)
        try:
            result = function(**arguments)
        except ValueError as refusal:
            refusals.add(str(refusal))
        else:
            assert is_finite(result), arguments
    assert all(" must be " in refusal for refusal in refusals)
