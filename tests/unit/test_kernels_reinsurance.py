"""Quota share and stop-loss against closed forms, simulation and hand-worked months."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, quick, rule, section, within_4_se

from cbhi.kernels import codes, reinsurance

COVER = dict(stop_loss=1, stop_loss_retention=1.25, stop_loss_loading=0.2, stop_loss_cv=0.3)


class TestExpectedExcess:
    def test_at_the_mean_it_is_the_half_normal_mean(self) -> None:
        assert reinsurance.expected_excess(1_000.0, 0.3, 1.0) == pytest.approx(300 / math.sqrt(2 * math.pi))

    def test_by_hand(self) -> None:
        # k = 1: phi(1) - (1 - Phi(1)) = 0.2419707 - 0.1586553
        assert reinsurance.expected_excess(1_000.0, 0.25, 1.25) == pytest.approx(250 * 0.0833155, rel=1e-5)

    def test_puts_and_calls_agree(self) -> None:
        # E(S - d) = E(S - d)+ - E(d - S)+, and a normal is symmetric
        for retention in (0.4, 0.9, 1.3):
            above = reinsurance.expected_excess(500.0, 0.3, retention)
            below = reinsurance.expected_excess(500.0, 0.3, 2.0 - retention)
            assert above - below == pytest.approx(500.0 * (1.0 - retention), abs=1e-9)

    @pytest.mark.parametrize(("cv", "retention"), [(0.3, 1.25), (0.1, 0.9), (0.5, 2.0)])
    def test_against_simulation(self, cv: float, retention: float) -> None:
        claims = 1_000.0 * (1.0 + cv * np.random.default_rng(5).standard_normal(200_000))
        excess = np.maximum(0.0, claims - 1_000.0 * retention)
        assert within_4_se(excess, reinsurance.expected_excess(1_000.0, cv, retention))


class TestYear:
    def test_by_hand(self) -> None:
        sec = section(claims_average=1_000.0, stop_loss_claims=77)
        reinsurance.start_reinsurance_year(sec, rule(**COVER, quota_share=0.25))
        # 9,000 expected after the quota share; k = 5/6, sd 2,700
        k = 5.0 / 6.0
        phi, beyond = math.exp(-k * k / 2.0) / math.sqrt(2.0 * math.pi), 0.2023284
        assert sec.stop_loss_claims == 0
        assert sec.stop_loss_limit == 11_250
        assert sec.stop_loss_premium == round(1.2 * 2_700 * (phi - k * beyond) / 12) == 31

    @pytest.mark.parametrize("changes", [{"stop_loss": 0}, {}])
    def test_without_the_rule_or_experience_there_is_no_cover(self, changes: dict[str, int]) -> None:
        sec = section(claims_average=1_000.0 if changes else 0.0, stop_loss_limit=5, stop_loss_premium=5)
        reinsurance.start_reinsurance_year(sec, rule(**{**COVER, **changes}))
        assert (sec.stop_loss_limit, sec.stop_loss_premium) == (0, 0)
        f = flows()
        reinsurance.reinsure(sec, 10**6, rule(**{**COVER, **changes}), f)
        assert f.sum() == 0

    def test_the_premium_is_what_recoveries_cost_with_its_loading(self) -> None:
        rng, r = np.random.default_rng(8), rule(**COVER)
        paid, received = 0, []
        for _ in range(3_000):
            sec = section(claims_average=100_000.0, fund=10**9)
            reinsurance.start_reinsurance_year(sec, r)
            f = flows()
            year = max(0, round(1_200_000 * (1.0 + 0.3 * rng.standard_normal())))
            for month in range(12):
                reinsurance.reinsure(sec, year * (month + 1) // 12 - year * month // 12, r, f)
            paid = int(f[codes.REINSURANCE_PREMIUM])
            received.append(int(f[codes.REINSURANCE_RECOVERY]))
            assert f[codes.REINSURANCE_RECOVERY] == max(0, year - 1_500_000)
        assert within_4_se(received, paid / 1.2)


class TestMonth:
    def test_by_hand(self) -> None:
        sec = section(fund=100, stop_loss_limit=1_000, stop_loss_claims=900, stop_loss_premium=30)
        f = flows()
        reinsurance.reinsure(sec, 401, rule(quota_share=0.25), f)
        # a quarter is 100 and 301 stay, 201 of them beyond the limit
        assert (f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (30, 301)
        assert (sec.fund, sec.stop_loss_claims) == (371, 1_201)
        reinsurance.reinsure(sec, 10, rule(), f)
        assert f[codes.REINSURANCE_RECOVERY] == 311

    def test_an_unpaid_premium_ends_cover(self) -> None:
        sec = section(fund=20, stop_loss_limit=1_000, stop_loss_premium=30)
        f = flows()
        reinsurance.reinsure(sec, 5_000, rule(), f)
        assert (sec.fund, f[codes.REINSURANCE_PREMIUM], f[codes.REINSURANCE_RECOVERY]) == (0, 20, 0)
        sec.fund = 1_000
        reinsurance.reinsure(sec, 5_000, rule(), f)
        assert (sec.fund, f[codes.REINSURANCE_PREMIUM]) == (1_000, 20)

    @given(
        st.lists(st.integers(0, 10**6), min_size=1, max_size=12),
        st.integers(0, 10**6),
        st.integers(0, 10**6),
        st.integers(0, 10**5),
        st.floats(0, 1),
    )
    @quick
    def test_never_more_than_claims_nor_on_credit(
        self, claims: list[int], money: int, limit: int, premium: int, quota: float
    ) -> None:
        sec = section(fund=money, stop_loss_limit=limit, stop_loss_premium=premium)
        f, total = flows(), 0
        for month in claims:
            before = int(f[codes.REINSURANCE_RECOVERY])
            reinsurance.reinsure(sec, month, rule(quota_share=quota), f)
            total += month
            recovered = int(f[codes.REINSURANCE_RECOVERY])
            assert 0 <= recovered - before <= month
            assert int(month * quota) <= recovered - before
            assert sec.fund == money + recovered - f[codes.REINSURANCE_PREMIUM] >= 0
        if sec.stop_loss_limit > 0:
            retained = total - sum(int(month * quota) for month in claims)
            assert total - recovered == min(retained, limit)
