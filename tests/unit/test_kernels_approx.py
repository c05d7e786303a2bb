"""The exponential and the logarithm against the standard library's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cbhi.kernels import approx
from cbhi.kernels.compiling import compile_kernels


def exponentials(x: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` with exponentials, as a loop that becomes vectors."""
    for i in range(x.size):
        out[i] = approx.exp(x[i])


def logarithms(x: np.ndarray, out: np.ndarray) -> None:
    """Fill ``out`` with logarithms, as a loop that becomes vectors."""
    for i in range(x.size):
        out[i] = approx.log(x[i])


# the loops alone, not the tests
_loops = {"__name__": __name__, "exponentials": exponentials, "logarithms": logarithms}
compile_kernels(_loops)
exponentials, logarithms = _loops["exponentials"], _loops["logarithms"]


def spread(low: float, high: float, n: int) -> np.ndarray:
    return np.random.default_rng(7).uniform(low, high, n)


def test_exponential_to_the_last_places() -> None:
    x = np.concatenate([spread(-699.0, 699.0, 4001), spread(-2.0, 2.0, 4002), [0.0, 1.0, -1.0]])
    found = np.empty(x.size)
    exponentials(x, found)
    expected = np.array([math.exp(value) for value in x])
    assert (np.abs(found - expected) <= 4e-16 * expected).all()


def test_logarithm_within_two_units() -> None:
    x = np.concatenate([np.exp(spread(-600.0, 600.0, 4001)), 1.0 + spread(-0.4, 3.0, 4002), [1.0, 2.0, 0.5]])
    found = np.empty(x.size)
    logarithms(x, found)
    expected = np.array([math.log(value) for value in x])
    assert (np.abs(found - expected) <= 2.0 * np.spacing(np.abs(expected))).all()


@pytest.mark.parametrize(("x", "expected"), [(0.0, 1.0), (-1e9, math.exp(-700.0)), (1e9, math.exp(700.0))])
def test_exponents_are_cut(x: float, expected: float) -> None:
    found = np.empty(1)
    exponentials(np.array([x]), found)
    assert found[0] == pytest.approx(expected, rel=1e-15)


def test_plain_and_compiled_are_the_same_numbers() -> None:
    x = spread(-30.0, 30.0, 999)
    plain, compiled = np.empty(x.size), np.empty(x.size)
    exponentials(x, compiled)
    for i, value in enumerate(x):
        plain[i] = getattr(approx.exp, "py_func", approx.exp)(float(value))
    np.testing.assert_array_equal(plain, compiled)
    logarithms(np.exp(x), compiled)
    for i, value in enumerate(np.exp(x)):
        plain[i] = getattr(approx.log, "py_func", approx.log)(float(value))
    np.testing.assert_array_equal(plain, compiled)


def test_quick_exponential_to_13_digits_from_zero_on() -> None:
    x = np.concatenate([np.linspace(0.0, 60.0, 4_001), [699.0, 700.0]])
    found = np.array([approx.few_exp(float(value)) for value in x])
    np.testing.assert_allclose(found, np.exp(x), rtol=2e-13)
    assert approx.few_exp(-3.0) == 1.0
    assert approx.few_exp(1e9) == approx.few_exp(700.0) < np.inf
