"""Episodes that households expect and draw, and why some go unsought: expectations by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import NOW, fixed, gauges, household, quick, rule

from cbhi.kernels import codes, draws, need
from cbhi.kernels.health import refresh_odds
from cbhi.kernels.records import Household, record_table

U = (np.arange(4000) + 0.5) / 4000
ACTIVE = dict(cover_from=NOW - 1, cover_until=NOW + 5, n_enrolled=2)


def by_hand(hh: Any, service: float, severe_share: float) -> tuple[float, float]:
    """Probabilities of seeking care with and without cover."""

    def p(odds: float) -> float:
        return float(odds) * service / (1 + float(odds) * service)

    return (
        (1 - severe_share) * p(hh.odds_insured) + severe_share * p(hh.odds_severe_insured),
        (1 - severe_share) * p(hh.odds_uninsured) + severe_share * p(hh.odds_severe_uninsured),
    )


class TestRates:
    @pytest.mark.parametrize(
        ("fields", "suspended", "expected"),
        [
            (ACTIVE, False, (5.0, 2.0)),
            (ACTIVE, True, (0.0, 7.0)),
            ({}, False, (0.0, 7.0)),
            ({"formal": 1}, True, (7.0, 0.0)),
        ],
    )
    def test_rates(self, fields: dict[str, int], suspended: bool, expected: tuple[float, float]) -> None:
        hh, _ = household(rate_enrolled=5.0, rate_other=2.0, **fields)
        assert tuple(need.rates_by_cover(hh, NOW, 0.0 if suspended else 1.0)) == expected


class TestExpectations:
    @pytest.mark.parametrize("fields", [ACTIVE, {}, {"formal": 1}])
    @pytest.mark.parametrize("honoured", [1.0, 0.0])
    def test_means(self, fields: dict[str, int], honoured: float) -> None:
        hhs = record_table(Household, 3)
        hhs[1] = household(rate_enrolled=9.0, rate_other=4.0, **fields)[0]
        r, service, share = rule(severe_share=0.15), 0.8, 1.2 / 12
        with_cover, without = by_hand(hhs[1], service, 0.15)
        covered = 13.0 if fields.get("formal") else (9.0 * honoured if fields else 0.0)
        by_rates = covered * with_cover + (13.0 - covered) * without
        sought, unsought = np.full(2, -1.0), np.full(2, -1.0)
        need.expect_contacts(hhs, 1, 1, NOW, share, service, honoured, r, sought, unsought)
        assert sought.tolist() == [pytest.approx(share * by_rates), -1.0]
        assert unsought.tolist() == [pytest.approx(share * 13.0 - share * by_rates), -1.0]


class TestCounts:
    @pytest.mark.parametrize("mean", [0.0, 0.03, 0.8, 7.0, 60.0])
    def test_the_mean_and_every_count_are_poissons(self, mean: float) -> None:
        counts = np.full(U.size + 1, -1)
        need.draw_counts(U, np.full(U.size, mean), U.size, counts)
        assert counts[-1] == -1
        assert counts[:-1].tolist() == [draws.poisson_quantile(u, mean) for u in U]
        assert counts[:-1].mean() == pytest.approx(mean, abs=1e-3 if mean < 50 else 1e-2 * mean)
        assert (counts[:-1].max() > draws.FEW) == (mean > 5)

    def test_no_more_than_fit(self) -> None:
        counts = np.zeros(1, dtype=np.int64)
        need.draw_counts(np.array([0.5]), np.array([1e6]), 1, counts)
        assert counts[0] == need.MOST_EPISODES < 2**16


class TestExplanation:
    @given(
        st.floats(0, 50), st.floats(0, 50), st.floats(0.05, 1), st.floats(0, 1), st.floats(-2, 2),
        st.floats(0, 20), st.floats(0, 3000), st.sampled_from([{}, ACTIVE, {"formal": 1}]),
    )  # fmt: skip
    @quick
    def test_parts_sum_to_the_expected_unsought(
        self, enrolled: float, other: float, service: float, severe: float, intercept: float, distance: float,
        fee: float, fields: dict[str, int],
    ) -> None:  # fmt: skip
        r = rule(severe_share=severe, seek_intercept=intercept, fee_outpatient_rwf=fee, copayment_rwf=100)
        hh, mm = household(distance_km=distance, rate_enrolled=enrolled, rate_other=other, **fields)
        refresh_odds(hh, mm, NOW, r, fixed())
        g = gauges()
        need.explain_unsought(hh, NOW, 1.0, service, 1.0, math.exp(r.seek_severity), r, g)
        covered, uncovered = need.rates_by_cover(hh, NOW, 1.0)
        with_cover, without = by_hand(hh, service, severe)
        expected = covered * (1 - with_cover) + uncovered * (1 - without)
        assert g.sum() == pytest.approx(expected, rel=1e-9, abs=1e-9)
        parts = [
            codes.GAUGE_FORGONE_NO_NEED, codes.GAUGE_FORGONE_DISTANCE, codes.GAUGE_FORGONE_PRICE,
            codes.GAUGE_FORGONE_SERVICE,
        ]  # fmt: skip
        assert g[parts].sum() == pytest.approx(g.sum())
        # odds are kept in single precision
        assert g[parts].min() >= -1e-6 * (1 + enrolled + other)

    def test_what_is_free_near_and_good_is_not_forgone_for_that(self) -> None:
        r = rule(fee_outpatient_rwf=0.0, fee_admission_rwf=0.0)
        hh, mm = household(distance_km=0.0, rate_other=10.0)
        refresh_odds(hh, mm, NOW, r, fixed())
        g = gauges()
        need.explain_unsought(hh, NOW, 1.0, 1.0, 1.0, math.exp(r.seek_severity), r, g)
        assert g[codes.GAUGE_FORGONE_NO_NEED] > 1
        assert g.sum() == pytest.approx(g[codes.GAUGE_FORGONE_NO_NEED], rel=1e-6)
