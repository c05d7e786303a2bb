"""Every validator refuses something: no check of input or of a run can be taken out unnoticed.

Which `raise` statements of the package no test reaches is listed by ``benchmarks/raises.py``; arguments of
`cbhi.limits` are refused one by one in ``tests/limits/test_limits_contract.py``.
"""

from __future__ import annotations

import ast
import doctest
import inspect
import math
import pkgutil
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType, ModuleType
from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi import checks
from cbhi import indicators as ind
from cbhi.checks import CheckError
from cbhi.indicators import _checks as of_indicators
from cbhi.kernels import codes as c
from cbhi.limits import _checks as of_limits

NAN, INF = math.nan, math.inf
ABC = ("a", "b")


def own_functions(module: ModuleType) -> dict[str, FunctionType]:
    """Return the functions that a module defines itself."""
    return {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, FunctionType) and value.__module__ == module.__name__
    }


def validators(module: ModuleType) -> set[str]:
    """Return the functions of a module that raise, themselves or through another of them."""
    trees = {n: ast.parse(textwrap.dedent(inspect.getsource(f))) for n, f in own_functions(module).items()}
    found = {name for name, tree in trees.items() if any(isinstance(n, ast.Raise) for n in ast.walk(tree))}
    while True:
        more = {
            name
            for name, tree in trees.items()
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in found
        }
        if more <= found:
            return found
        found |= more


# validator: arguments, and words that the refusal must hold
Refused = dict[str, list[tuple[Callable[..., Any], str]]]

INDICATORS: Refused = {
    "_to_float": [(lambda f: f("x", "abc"), "x must be numeric")],
    "check_values": [
        (lambda f: f("x", "abc"), "x must be numeric"),
        (lambda f: f("x", [[1.0]]), "x must have 1 dimension"),
        (lambda f: f("x", [1.0], ndim=2), "x must have 2 dimension"),
        (lambda f: f("x", []), "x is empty"),
        (lambda f: f("x", [1.0, 2.0], length=3), "x has 2 rows where 3 are expected"),
        (lambda f: f("x", [1.0, NAN, INF]), "x has 2 missing or infinite"),
        (lambda f: f("x", [1.0, 0.0], positive=True), "x must be positive, smallest value is 0"),
        (lambda f: f("x", [1.0, 1.9], lower=2.0), "x must be at least 2, smallest value is 1"),
    ],
    "check_mask": [
        (lambda f: f("x", [0, 1, 2]), "x must hold only true and false"),
        (lambda f: f("x", [0.5]), "x must hold only true and false"),
        (lambda f: f("x", [True], length=2), "x has 1 rows where 2"),
    ],
    "check_weights": [
        (lambda f: f([1.0, -1.0], 2), "weights must be at least 0"),
        (lambda f: f([0.0, 0.0], 2), "weights are all zero"),
        (lambda f: f([1.0], 2), "weights has 1 rows where 2"),
    ],
    "check_number": [
        (lambda f: f("x", "abc"), "x must be numeric"),
        (lambda f: f("x", [1.0]), "x must be one number"),
        (lambda f: f("x", NAN), "x must be finite, got nan"),
        (lambda f: f("x", -INF), "x must be finite, got -inf"),
        (lambda f: f("x", 2.0, above=2.0), "x must be above 2, got 2"),
        (lambda f: f("x", 1.9, at_least=2.0), "x must be at least 2, got 1.9"),
        (lambda f: f("x", 2.0, below=2.0), "x must be below 2, got 2"),
    ],
    "check_count": [
        (lambda f: f("x", 1.5, at_least=1), "x must be a whole number, got 1.5"),
        (lambda f: f("x", 0, at_least=1), "x must be at least 1, got 0"),
    ],
    "check_per_row": [
        (lambda f: f("x", [1.0], 2), "x has 1 rows where 2"),
        (lambda f: f("x", NAN, 2), "x has 2 missing"),
        (lambda f: f("x", -1.0, 2, lower=0.0), "x must be at least 0"),
    ],
    "check_columns": [
        (lambda f: f("x", [1.0], 2), "x has 1 rows where 2"),
        (lambda f: f("x", [[[1.0]]], 1), "x must have 2 dimension"),
    ],
    "check_total": [
        (lambda f: f("x", []), "x is empty"),
        (lambda f: f("x", [1.0, INF]), "x has an infinite value"),
        (lambda f: f("x", [NAN, -0.5]), "x must not be negative, smallest value is -0.5"),
    ],
    "check_shapes": [(lambda f: f(ABC, np.ones(2), np.ones(3)), "a, b have different shapes")],
    "divide": [(lambda f: f(np.ones(2), np.ones(3), ABC), "a, b have different shapes")],
    "total_ratio": [
        (lambda f: f(ABC, -1.0, 2.0), "a must not be negative"),
        (lambda f: f(ABC, 1.0, -2.0, allow_negative=True), "b must not be negative"),
        (lambda f: f(ABC, 2.1, 2.0, part_of_whole=True), "a exceeds b, of which it is a part"),
        (lambda f: f(ABC, [1.0, 1.0], [1.0, 1.0, 1.0]), "a, b have different shapes"),
    ],
}
# just inside what is refused above
ACCEPTED: dict[str, list[Callable[..., Any]]] = {
    "check_values": [
        lambda f: f("x", [1.0], length=1),
        lambda f: f("x", [1e-9], positive=True),
        lambda f: f("x", [2.0], lower=2.0),
    ],
    "check_mask": [lambda f: f("x", [True, 0, 1.0])],
    "check_weights": [lambda f: f([0.0, 1e-9], 2), lambda f: f(None, 2)],
    "check_number": [
        lambda f: f("x", 2.1, above=2.0),
        lambda f: f("x", 2.0, at_least=2.0),
        lambda f: f("x", 1.9, below=2.0),
    ],
    "check_count": [lambda f: f("x", 1.0, at_least=1)],
    "check_total": [
        lambda f: f("x", None),
        lambda f: f("x", [NAN, 0.0]),
        lambda f: f("x", -1.0, allow_negative=True),
    ],
    "total_ratio": [lambda f: f(ABC, 2.0, 2.0, part_of_whole=True), lambda f: f(ABC, 2.1, 2.0)],
}
LIMITS: Refused = {
    "real": [
        (lambda f: f("x", 1.0, 2.0), "x must be >= 2, got 1"),
        (lambda f: f("x", 2.0, 2.0, open_low=True), "x must be > 2, got 2"),
        (lambda f: f("x", 4.1, 2.0, 4.0), r"x must be in \[2, 4\], got 4.1"),
        (lambda f: f("x", 4.0, 2.0, 4.0, open_high=True), r"x must be in \[2, 4\), got 4"),
        (lambda f: f("x", NAN), "x must be a finite number, got nan"),
        (lambda f: f("x", True), "x must be a real number, got True"),
    ],
    "positive": [(lambda f: f("x", 0.0, "so it is"), "x must be > 0, got 0.0: so it is")],
    "nonnegative": [(lambda f: f("x", -0.1, "so it is"), "x must be >= 0, got -0.1: so it is")],
    "share": [(lambda f: f("x", 1.1, "so it is"), r"x must be in \[0, 1\], got 1.1: so it is")],
    "inner_share": [
        (lambda f: f("x", 1.0, "so it is"), r"x must be in \(0, 1\), got 1.0: so it is"),
        (lambda f: f("x", 0.0), r"x must be in \(0, 1\), got 0.0"),
    ],
    "integer": [
        (lambda f: f("x", 1, 2), "x must be an integer >= 2, got 1"),
        (lambda f: f("x", 5, 2, 4, "so it is"), r"x must be an integer in \[2, 4\], got 5: so it is"),
        (lambda f: f("x", 2.5, 2), "x must be an integer >= 2, got 2.5"),
        (lambda f: f("x", "2", 2), "x must be an integer, got '2'"),
    ],
    "vector": [
        (lambda f: f("x", ["a"]), "x must be an array of real numbers"),
        (lambda f: f("x", [[1.0]]), "x must be a 1-d array of at least 1 numbers"),
        (lambda f: f("x", [1.0], min_size=2), "x must be a 1-d array of at least 2 numbers"),
        (lambda f: f("x", [1.0, NAN]), r"x\[1\] must be a finite number, got nan"),
        (lambda f: f("x", [1.0, 0.9], low=1.0), r"x\[1\] must be a finite number >= 1, got 0.9"),
        (lambda f: f("x", [1.0], low=1.0, open_low=True), r"x\[0\] must be a finite number > 1, got 1.0"),
    ],
    "probabilities": [
        (lambda f: f("x", [0.5, 0.51]), "x must be probabilities that sum to 1, got a sum of 1.01"),
        (lambda f: f("x", [1.5, -0.5]), r"x\[1\] must be a finite number >= 0, got -0.5"),
    ],
    "finite": [(lambda f: f("x", "small", 9.0, INF), "x must be small, got 9.0: the result overflows")],
}
CASES: dict[ModuleType, Refused] = {of_indicators: INDICATORS, of_limits: LIMITS}


def refusals() -> Iterator[Any]:
    for module, cases in CASES.items():
        for name, calls in cases.items():
            for k, (call, words) in enumerate(calls):
                yield pytest.param(getattr(module, name), call, words, id=f"{module.__name__}.{name}-{k}")


def test_every_module_of_validators_is_known() -> None:
    found = {
        name
        for _, name, _ in pkgutil.walk_packages(cbhi.__path__, "cbhi.")
        if name.rpartition(".")[2] == "_checks"
    }
    assert found == {module.__name__ for module in CASES}


@pytest.mark.parametrize("module", CASES, ids=lambda module: module.__name__)
def test_every_validator_has_a_case(module: ModuleType) -> None:
    assert set(CASES[module]) == validators(module)


@pytest.mark.parametrize(("validator", "call", "words"), list(refusals()))
def test_a_validator_refuses(validator: Any, call: Callable[..., Any], words: str) -> None:
    with pytest.raises((ValueError, TypeError), match=f"^{words}"):
        call(validator)


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_validator_accepts_the_bound(name: str) -> None:
    for call in ACCEPTED[name]:
        call(getattr(of_indicators, name))


# ------------------------------------------------------------ every argument of every public indicator

FUNCTIONS = [name for name in ind.__all__ if inspect.isfunction(getattr(ind, name))]


def example(name: str) -> inspect.BoundArguments:
    """Return the arguments of the first call in a function's own example."""
    function = getattr(ind, name)
    known: dict[str, Any] = {**vars(ind), "np": np}
    for step in doctest.DocTestParser().get_examples(function.__doc__ or ""):
        for node in ast.walk(ast.parse(step.source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                values = [eval(ast.unparse(one), known) for one in node.args]
                named = {one.arg: eval(ast.unparse(one.value), known) for one in node.keywords if one.arg}
                return inspect.signature(function).bind(*values, **named)
        exec(step.source, known)
    raise AssertionError(f"{name} has no example that calls it")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_argument_of_an_indicator_is_looked_at(name: str) -> None:
    function = getattr(ind, name)
    given = example(name)
    function(*given.args, **given.kwargs)
    for argument, parameter in inspect.signature(function).parameters.items():
        if isinstance(parameter.default, bool):
            continue
        wrong = inspect.signature(function).bind_partial(*given.args, **given.kwargs)
        wrong.arguments[argument] = "no number"
        with pytest.raises(ValueError, match=rf"\b{argument}\b"):
            function(*wrong.args, **wrong.kwargs)


# ------------------------------------------------------------ every check of a run


def nothing() -> dict[str, Any]:
    """A run of three months in two districts in which nobody lives and nothing moves."""
    shape = (1, 3, 2)
    return {
        "flows": np.zeros((*shape, c.N_FLOWS), dtype=np.int64),
        "stocks": np.zeros((1, 4, 2, c.N_STOCKS), dtype=np.int64),
        "tallies": np.zeros((*shape, c.N_TALLIES), dtype=np.int64),
        "gauges": np.zeros((*shape, c.N_GAUGES)),
        "strata": np.zeros((1, 1, 15, c.N_STRATUM_TALLIES), dtype=np.int64),
        "opening_people": np.zeros((1, 2, 2), dtype=np.int64),
        "periods": [("all", 0, 3)],
    }


# check: array, column and what is added in the last place of it, and the identity that must be named
BROKEN: dict[str, list[tuple[str, int, float, str]]] = {
    "check_nonnegative": [
        ("flows", c.CONTRIBUTION, -1, "flow contribution"),
        ("stocks", c.SECTION_FUNDS, -1, "stock "),
        ("tallies", c.PERSONS, -1, "tally persons"),
        ("strata", c.S_PERSONS, -1, "tally of strata"),
        ("opening_people", 1, -1, "opening households"),
    ],
    "check_flow_matrix": [
        ("flows", c.CONTRIBUTION, 1, "money of households"),
        ("stocks", c.HOUSEHOLDS, 1, "money of all sectors together"),
    ],
    "check_fund_balances": [
        ("stocks", c.STOCK_PAYABLES_SECTION, 1, "payables of section funds = "),
        ("stocks", c.STOCK_PAYABLES_POOL, 1, "payables of pools = "),
        ("stocks", c.STOCK_PAYABLES_SECTION_HOSPITAL, 1, "payables of section funds to hospitals"),
        ("stocks", c.STOCK_OWED_BETWEEN_SECTIONS, 1, "owed between sections"),
        ("flows", c.BAIL_OUT_SECTION, 1, "bail-outs of sections"),
        ("flows", c.BAIL_OUT_POOL, 1, "bail-outs of pools"),
    ],
    "check_debt": [("stocks", c.STOCK_DEBT, 1, "debt = before")],
    "check_lenders": [
        ("stocks", c.STOCK_LOANS, 1, "loans"),
        ("stocks", c.LENDERS, 1, "lenders: money"),
        ("tallies", c.LOAN_DEFAULTS, 1, "defaults so far"),
        ("tallies", c.LOAN_MONTHS_LATE, 1, "loan_months_late"),
    ],
    "check_people": [
        ("tallies", c.PERSONS, 1, "persons = before"),
        ("tallies", c.HOUSEHOLDS_ALIVE, 1, "households = before"),
        ("tallies", c.POOR, 1, "poor <= persons"),
    ],
    "check_care": [
        ("tallies", c.CONTACTS_WANTED, 1, "contacts wanted"),
        ("tallies", c.EPISODES, 1, "episodes"),
        ("tallies", c.BILLED_HOSPITAL, 1, "bills of hospitals"),
        ("tallies", c.BILLED_HEALTH_CENTRE, 1, "bills of health centres"),
        ("tallies", c.FRAUD_FOUND_RWF, 1, "fraud found"),
        ("tallies", c.VISITS_REFUSED, 1, "borrowed cards"),
    ],
    "check_membership": [
        ("tallies", c.INSURED, 1, "insured "),
        ("tallies", c.PAID, 1, "paid . persons_formal"),
        ("tallies", c.RENEWALS, 1, "renewals due"),
        ("tallies", c.PERSONS_ENROLLED, 1, "persons enrolled"),
    ],
    "check_subsidies": [
        ("flows", c.SUBSIDY_STATE, 1, "subsidies so far"),
        ("tallies", c.SLOTS, 1, "slots used"),
    ],
    "check_strata": [
        ("strata", c.S_PERSONS, 1, "strata' "),
        ("strata", c.S_CLAIMS, 1, "strata' "),
        ("tallies", c.CATASTROPHIC, 1, "strata' "),
    ],
    "check_gauges": [
        ("gauges", c.GAUGE_TRUST, NAN, "gauge "),
        ("gauges", c.GAUGE_TRUST, 0.1, "gauge .* <= persons"),
        ("gauges", c.GAUGE_EXPECTED_ENROLLED, 0.1, "gauge expected_enrolled"),
    ],
}  # fmt: skip
# these read a whole run; tests/properties/test_identities.py breaks them
OF_RUNS = {"check_timing", "check_all"}


def test_every_check_of_a_run_has_a_case() -> None:
    found = {name for name in own_functions(checks) if name.startswith("check_")}
    assert found == set(BROKEN) | OF_RUNS


@pytest.mark.parametrize("name", BROKEN)
def test_a_check_passes_on_nothing_and_fails_on_one_too_many(name: str) -> None:
    check = getattr(checks, name)
    needs = [one for one in inspect.signature(check).parameters if one in nothing()]
    check(**{one: nothing()[one] for one in needs})
    for array, column, amount, words in BROKEN[name]:
        arrays = {one: nothing()[one] for one in needs}
        arrays[array][(0, *([-1] * (arrays[array].ndim - 2)), column)] += amount
        with pytest.raises(CheckError, match=f"^{words}"):
            check(**arrays)
