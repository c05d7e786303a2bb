"""What cases of demand and credit reckon with: windows, the mean-field equations, spreads and exponents."""

import math

import numpy as np
import pytest
from scipy.special import ndtri

from cbhi.kernels import codes
from cbhi.packing import pack_calendar, pack_rules
from cbhi.simulation import simulate
from cbhi.verification.bare import tally
from cbhi.verification.credit import _spread
from cbhi.verification.crowds import _Reference, fitted_exponent, reference_path
from cbhi.verification.mean_field import Step, mean_field_path
from cbhi.verification.windows import FIRST_MONTH, enrolled, singles, windowed_scenario

# MODEL.md 6.3, coverage of the reference model from 2003 to 2012 as printed there
PRINTED = (0.070, 0.277, 0.437, 0.694, 0.806, 0.851, 0.868, 0.874, 0.893, 0.898)


@pytest.mark.parametrize("length", range(2, 14))
def test_windows_open_once_a_membership_year_and_all_years_are_as_long(length):
    chosen = windowed_scenario({}, 7, length=length)
    calendar = pack_calendar(chosen, pack_rules(chosen))
    assert chosen.n_months == 6 * length + 1
    assert np.flatnonzero(calendar["is_open"]).tolist() == [k * length for k in range(7)]
    opened = calendar[::length]
    assert (opened["sale_from"] - FIRST_MONTH).tolist() == [k * length for k in range(7)]
    assert (opened["sale_until"] - opened["sale_from"]).tolist() == [length] * 7
    assert not calendar["before_start"].any()


@pytest.mark.parametrize("length", [1, 14])
def test_windows_of_other_lengths_are_refused(length):
    with pytest.raises(ValueError, match="2 to 13 months"):
        windowed_scenario({}, 2, length=length)


def test_changes_hold_from_their_window_on():
    chosen = windowed_scenario(
        {}, 4, length=13, at_window={0: {"enrolment.intercept": -20.0}, 2: {"enrolment.intercept": 20.0}}
    )
    shares = enrolled(simulate(chosen, population=singles(1, 50), replicates=2, seed=1, survey=0), 13)
    assert shares.tolist() == [[0.0, 0.0, 1.0, 1.0]] * 2


@pytest.mark.parametrize(("length", "still_recent"), [(12, 40), (13, 0)])
def test_neighbours_count_who_left_in_the_latest_window_only_in_years_of_twelve_months(length, still_recent):
    chosen = windowed_scenario(
        {},
        2,
        length=length,
        at_window={0: {"enrolment.intercept": 20.0}, 1: {"enrolment.intercept": -20.0}},
        months_after=length - 1,
    )
    run = simulate(chosen, population=singles(1, 40), replicates=1, seed=1, survey=0)
    assert tally(run, codes.RECENT_MEMBERS)[0, [length - 1, -1], 0].tolist() == [40, still_recent]


def test_the_equations_give_the_path_that_the_design_prints():
    z = ndtri((np.arange(200) + 0.5) / 200)
    assert reference_path(z, _Reference()) == pytest.approx(PRINTED, abs=0.0006)
    for name, value in _Reference()._asdict().items():
        if name not in ("visits", "price_response"):
            wrong = reference_path(z, _Reference(**{name: 1.05 * value}))
            assert np.abs(wrong - PRINTED).max() > 0.001, name


def test_one_class_by_hand():
    # entry 1/3; then u = ln 8 / 3 = ln 2 for others and ln 4 for members, half act, half are registered
    path = mean_field_path(
        [0.0],
        [1.0],
        [Step(0.0, attention=2 / 3), Step(0.0, attention=0.5, registered=0.5)],
        peers=math.log(8.0),
        inertia=math.log(2.0),
    )
    wishing = 1 / 3 * 4 / 5 + 2 / 3 * 2 / 3
    assert path[:, 0] == pytest.approx([1 / 3, 0.5 + 0.5 * 0.5 * wishing])


def test_classes_meet_only_through_coverage():
    steps = [Step(0.0), Step(0.3)]
    path = mean_field_path([0.0, 1.0], [0.25, 0.75], steps, peers=2.0, inertia=0.0)
    first = 0.25 / 2 + 0.75 / (1 + math.exp(-1))
    assert path[1, 1] == pytest.approx(1 / (1 + math.exp(-(1.3 + 2 * first))))


@pytest.mark.parametrize(
    ("weight", "step", "complaint"),
    [
        ([0.5, 0.6], Step(0.0), "summing to 1"),
        ([1.5, -0.5], Step(0.0), "summing to 1"),
        ([1.0], Step(0.0), "2 classes"),
        ([0.5, 0.5], Step(0.0, attention=1.1), "season 0"),
        ([0.5, 0.5], Step(0.0, registered=[0.0, -0.1]), "season 0"),
    ],
)
def test_what_is_no_share_is_refused(weight, step, complaint):
    with pytest.raises(ValueError, match=complaint):
        mean_field_path([0.0, 1.0], weight, [step], peers=0.0, inertia=0.0)


def test_exponent_of_an_exact_law_and_of_a_noisy_one():
    sizes = np.array([500, 2_000, 8_000])
    exponent, error = fitted_exponent(sizes, 3.0 * sizes**-0.5, [0.1, 0.1, 0.1])
    assert exponent == pytest.approx(-0.5)
    # the logs are 2 ln 2 apart: sd 0.1 / sqrt(2 (2 ln 2)^2)
    assert error == pytest.approx(0.1 / (2 * math.log(2) * math.sqrt(2)))
    # a point without weight does not count
    assert fitted_exponent(sizes, [1.0, 0.5, 99.0], [0.1, 0.1, 1e9])[0] == pytest.approx(-0.5)


def test_spread_of_a_default_share():
    assert _spread(0.1, 60, {0.0: 1.0}) == pytest.approx(math.sqrt(0.09 / 60))
    # all alike: with correlation 1 the whole portfolio is one loan
    assert _spread(0.1, 60, {1.0: 1.0}) == pytest.approx(0.3)
    # two groups of two, by enumeration: pairs inside groups alike, others independent
    assert _spread(0.5, 4, {1.0: 1 / 3, 0.0: 2 / 3}) == pytest.approx(math.sqrt(0.25 / 2))
