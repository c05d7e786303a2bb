"""Priors: the map to standard normal coordinates, the cut at the range, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cbhi.calibration.priors import Prior, check_priors

ABOUT: dict[str, Any] = {"source": "a test", "confidence": "assumption"}


def examples() -> list[Prior]:
    """One prior of every family, cut hard, lightly or not at all."""
    return [
        Prior.normal("enrolment.intercept", -1.0, 1.5, **ABOUT),
        Prior.normal("observation.overcount_share", 0.08, 0.06, high=0.3, **ABOUT),
        Prior.normal("enrolment.peer_weight", -4.0, 2.0, low=0.0, high=6.0, **ABOUT),
        Prior.lognormal("enrolment.price_slope", 20.0, 0.5, low=15.0, high=200.0, **ABOUT),
        Prior.lognormal("care.cost_outpatient_rwf", 1000.0, 0.2, **ABOUT),
        Prior.beta("enrolment.trust_weight", 2.0, 8.0, low=0.0, high=7.5, **ABOUT),
        Prior.beta("enrolment.attention_before_share", 0.7, 0.9, **ABOUT),
        Prior.uniform("care.seek_price", 1.0, 3.0, **ABOUT),
    ]


def uncut(prior: Prior) -> Any:
    """The distribution before the cut, from scipy."""
    low, high = prior.bounds
    n = prior.numbers
    if prior.family == "normal":
        return stats.norm(n["mean"], n["sd"])
    if prior.family == "lognormal":
        return stats.lognorm(n["log_sd"], scale=n["median"])
    shape = (n["a"], n["b"]) if prior.family == "beta" else (1.0, 1.0)
    return stats.beta(*shape, loc=low, scale=high - low)


@pytest.mark.parametrize("prior", examples(), ids=lambda prior: f"{prior.family} {prior.key}")
class TestMap:
    def test_is_the_quantile_of_the_cut_distribution(self, prior: Prior) -> None:
        of, (low, high) = uncut(prior), prior.bounds
        share = np.linspace(0.001, 0.999, 41)
        expected = of.ppf(of.cdf(low) + share * (of.cdf(high) - of.cdf(low)))
        np.testing.assert_allclose(prior.to_value(stats.norm.ppf(share)), expected, rtol=1e-8, atol=1e-10)

    def test_comes_back(self, prior: Prior) -> None:
        z = np.linspace(-6.0, 6.0, 49).reshape(7, 7)
        values = prior.to_value(z)
        assert values.shape == z.shape
        assert (np.diff(values.ravel()) > 0.0).all()
        np.testing.assert_allclose(prior.to_z(values), z, atol=1e-6)

    def test_far_tails_stay_inside_without_a_value_of_their_own(self, prior: Prior) -> None:
        low, high = prior.bounds
        values = prior.to_value(np.array([-40.0, -9.0, -8.0, 8.0, 9.0, 40.0]))
        assert ((values >= low) & (values <= high)).all()
        draws = prior.to_value(np.random.default_rng(1).standard_normal(2000))
        assert np.unique(draws).size == draws.size

    def test_not_a_number_stays_one(self, prior: Prior) -> None:
        assert np.isnan(prior.to_value(np.array([np.nan]))).all()

    def test_survives_pickling(self, prior: Prior) -> None:
        again = pickle.loads(pickle.dumps(prior))
        assert again == prior
        assert hash(again) == hash(prior)
        assert again.to_value(np.ones(1)) == prior.to_value(np.ones(1))


@given(
    mean=st.floats(-3.0, 3.0), sd=st.floats(0.1, 5.0), low=st.floats(-5.0, 0.0), width=st.floats(0.5, 10.0),
    z=st.floats(-5.0, 5.0),
)  # fmt: skip
def test_a_normal_prior_keeps_its_order_and_bounds(
    mean: float, sd: float, low: float, width: float, z: float
) -> None:
    of = stats.norm(mean, sd)
    if of.cdf(low + width) - of.cdf(low) < 0.011:
        return
    prior = Prior.normal("enrolment.intercept", mean, sd, low=low, high=low + width, **ABOUT)
    value = prior.to_value(np.array([z, z + 0.5]))
    assert low <= value[0] < value[1] <= low + width


def test_an_uncut_normal_is_mean_and_sd() -> None:
    prior = Prior.normal("enrolment.intercept", -1.0, 1.5, **ABOUT)
    np.testing.assert_allclose(prior.to_value(np.array([-2.0, 0.0, 1.0])), [-4.0, -1.0, 0.5], atol=1e-9)
    assert prior.centre == pytest.approx(-1.0)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Prior.normal("enrolment.intercep", 0, 1, **ABOUT), "did you mean 'enrolment.intercept'"),
        (lambda: Prior.normal("mandate.compulsory", 0, 1, **ABOUT), "not a real number"),
        (lambda: Prior.normal("scheme.household_premium_rwf", 0, 1, **ABOUT), "not a real number"),
        (lambda: Prior.normal("rollout.schemes", 0, 1, **ABOUT), "is a series"),
        (lambda: Prior.normal("care.seek_price", 2.0, 0.0, **ABOUT), "sd = 0 must be above 0"),
        (lambda: Prior.normal("care.seek_price", 2.0, -1.0, **ABOUT), "leave the parameter out"),
        (lambda: Prior.normal("care.seek_price", float("nan"), 1.0, **ABOUT), "mean must be a number"),
        (lambda: Prior.normal("fund.administration_share", 14.0, 3.0, **ABOUT), "of its mass in 0 to 1"),
        (lambda: Prior.normal("fund.administration_share", 0.1, 0.1, high=1.5, **ABOUT), "outside 0 to 1"),
        (lambda: Prior.uniform("care.seek_price", 3.0, 1.0, **ABOUT), "low = 3 is not below high = 1"),
        (lambda: Prior.lognormal("care.seek_price", -1.0, 0.5, **ABOUT), "median = -1 must be above 0"),
        (lambda: Prior("care.seek_price", "normal", {"mean": 1.0}, "x", "assumption"), "sd is missing"),
        (lambda: Prior("care.seek_price", "norml", {}, "x", "assumption"), "did you mean 'normal'"),
        (
            lambda: Prior("care.seek_price", "normal", {"mean": 1.0, "sd": 1.0, "log_sd": 1.0}, "x", "assumption"),
            "has no 'log_sd'",
        ),
        (
            lambda: Prior.normal("care.seek_price", 2, 1, source=" ", confidence="assumption"),
            "source is missing",
        ),
        (lambda: Prior.normal("care.seek_price", 2, 1, source="x", confidence="sure"), "confidence must be"),
    ],
)
def test_what_is_wrong_is_said(make: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make()


def test_a_value_outside_is_refused() -> None:
    with pytest.raises(ValueError, match=r"care\.seek_price = 4 is outside 1 to 3 \[logits\]"):
        Prior.uniform("care.seek_price", 1.0, 3.0, **ABOUT).to_z(np.array([2.0, 4.0]))


def test_two_priors_of_one_parameter_are_refused() -> None:
    prior = Prior.uniform("care.seek_price", 1.0, 3.0, **ABOUT)
    with pytest.raises(ValueError, match=r"two priors of care\.seek_price"):
        check_priors((prior, prior))
