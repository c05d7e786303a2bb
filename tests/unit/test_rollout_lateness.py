"""The parameter that opens schemes later or earlier than they were counted."""

from __future__ import annotations

import numpy as np
import pytest

import cbhi
from cbhi.layouts import lay_out, opening_months


def opened(lateness: float | None) -> np.ndarray:
    """Opening months of all sections of the country, for one key."""
    scenario = cbhi.scenario("rwanda-rules")
    if lateness is not None:
        scenario = scenario.replace({"rollout.lateness": lateness})
    return opening_months(scenario, lay_out(scenario, 100_750), (7, 11))


def test_one_is_as_counted() -> None:
    np.testing.assert_array_equal(opened(1.0), opened(None))


def test_later_for_each_scheme_with_both_ends_where_they_are() -> None:
    early, counted, late = opened(0.7), opened(1.0), opened(1.5)
    assert (early <= counted).all()
    assert (counted <= late).all()
    assert (counted < late).mean() > 0.3
    # pilots open with the pilot, and the last schemes when the count is full
    assert (counted == early).sum() >= 54
    assert late.max() == counted.max()


@pytest.mark.parametrize("lateness", [0.7, 1.0, 1.5])
def test_the_open_share_is_the_counted_share_to_that_power(lateness: float) -> None:
    months = opened(lateness)
    november_2004 = 2004 * 12 + 10
    counted = (214 - 54) / (403 - 54)
    open_share = (months[54:] <= november_2004).mean()
    assert open_share == pytest.approx(counted**lateness, abs=1.0 / 349)
