"""What chance gives, against formulas and against many studies of procedures that are right or wrong."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, norm

from cbhi.calibration.by_chance import at_least, binomial_p, holm, share_outside
from cbhi.calibration.sbc import SetOutcome
from cbhi.calibration.sbc_table import EACH_WITHIN, Study

NAMES = tuple(f"quantity {i}" for i in range(21))


def study(n_sets: int, seed: int, *, wide: dict[str, float] | None = None) -> Study:
    """Return a study whose posteriors are right but for those so many times as wide as they should be."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n_sets, len(NAMES)))
    for name, factor in (wide or {}).items():
        z[:, NAMES.index(name)] /= factor
    rows = norm.cdf(z).tolist()
    outcomes = [
        SetOutcome(i, dict.fromkeys(NAMES, 0.0), {}, dict(zip(NAMES, row, strict=True)))
        for i, row in enumerate(rows)
    ]
    return Study(NAMES[:12], (), tuple(outcomes), carried=NAMES[12:])


def test_a_right_procedure_of_50_sets_is_not_called_wrong() -> None:
    found = [study(50, seed) for seed in range(40)]
    # the strict musts fail nearly always: 1.9 of 21 quantities are outside by chance
    assert sum(one.passed for one in found) < 20
    wrong = [one for one in found if "beyond what chance gives" in one.verdict()]
    # one in twenty, and three standard errors
    assert len(wrong) <= 6
    within = [one for one in found if "within what chance gives a right procedure" in one.verdict()]
    assert len(within) + len(wrong) + sum(one.passed for one in found) == 40
    notes = " ".join(within[0].summary().notes)
    assert "a right procedure has 1.9 outside" in notes
    assert "Holm's allowance for 21 quantities" in notes
    assert "by chance?" in str(within[0].summary())


def test_one_wrong_quantity_is_found_among_many() -> None:
    found = study(200, 3, wide={"quantity 4": 0.6})
    assert not found.passed
    assert "beyond what chance gives: outside the must: quantity 4" in found.verdict()
    row = found.to_frame().set_index("quantity").loc["quantity 4"]
    assert row["binomial_p"] < row["holm_p"] < 0.05


def test_many_that_are_a_little_wrong_are_found_by_their_number() -> None:
    # 82 % each: none of six is convincing by itself
    def outcome(number: int) -> SetOutcome:
        right = (number + 0.5) / 50
        low = 0.01 if number < 9 else 0.5
        places = dict.fromkeys(NAMES[:15], right) | dict.fromkeys(NAMES[15:], low)
        return SetOutcome(number, dict.fromkeys(NAMES, 0.0), {}, places)

    found = Study(NAMES[:12], (), tuple(outcome(i) for i in range(50)), carried=NAMES[12:])
    assert (found.to_frame()["holm_p"] > 0.025).all()
    assert "beyond what chance gives: 6 of 21 are outside, 1.9 expected; what chance" in found.verdict()
    assert "quantity 20 82.0 %" in found.verdict()


def test_refused_sets_are_weighed_too() -> None:
    right = study(200, 2)
    assert right.passed
    outcomes = list(right.outcomes)
    for i in range(5):
        outcomes[i] = SetOutcome(i, {}, problem="no")
    few = Study(right.parameters, (), tuple(outcomes), carried=right.carried)
    assert "5 of 200 sets have no accepted posterior" in few.verdict()
    assert "within what chance gives" in few.verdict()
    for i in range(20):
        outcomes[i] = SetOutcome(i, {}, problem="no")
    many = Study(right.parameters, (), tuple(outcomes), carried=right.carried)
    assert "beyond what chance gives: 20 of 200 sets" in many.verdict()


def test_the_share_outside_is_that_of_the_binomial() -> None:
    inside = sum(binom.pmf(k, 50, 0.9) for k in range(42, 49))
    assert share_outside(50, 0.9, EACH_WITHIN) == pytest.approx(1.0 - inside)
    assert share_outside(50, 0.9, EACH_WITHIN) == pytest.approx(0.092, abs=5e-4)
    assert binomial_p(39, 50, 0.9) == pytest.approx(0.0149, abs=5e-4)


def test_holm_multiplies_by_those_that_are_left() -> None:
    assert holm([0.04, 0.01, math.nan, 0.03])[:2] == pytest.approx([0.06, 0.03])
    assert math.isnan(holm([0.04, 0.01, math.nan, 0.03])[2])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.integers(1, 30), st.floats(0.0, 1.0), st.integers(0, 30))
def test_events_of_one_chance_are_binomial(n: int, chance: float, count: int) -> None:
    assert at_least(count, np.full(n, chance)) == pytest.approx(
        float(binom.sf(count - 1, n, chance)), abs=1e-9
    )


def test_events_of_different_chances() -> None:
    assert at_least(2, np.array([0.5, math.nan, 0.2])) == pytest.approx(0.1)
    assert at_least(1, np.array([0.5, 0.2])) == pytest.approx(0.6)
