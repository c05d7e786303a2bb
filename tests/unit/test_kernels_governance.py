"""Trust, the capacities of authorities and schemes, and what donors pay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, quick, rule, section

from cbhi.kernels import codes
from cbhi.kernels.governance import pay_donors, update_capacity, update_enforcement, update_trust

STILL = dict(
    trust_meetings=0.0,
    trust_prompt=0.0,
    trust_quality=0.0,
    trust_arrears=0.0,
    trust_coercion=0.0,
    trust_fixed=0,
    compulsory=0,
)


def moved(refused: float = 0.0, sec: dict[str, Any] | None = None, **changes: Any) -> float:
    s = section(**{"trust": 0.4, "quality": 0.4, "arrears": 0.0, "enforcement": 0.5, **(sec or {})})
    before = float(s.trust)
    update_trust(s, refused, rule(**{**STILL, **changes}))
    return float(s.trust) - before


class TestTrust:
    def test_by_hand(self) -> None:
        s = section(trust=0.5, quality=0.9, arrears=0.9, enforcement=0.8)
        r = rule(
            trust_meetings=0.02,
            trust_prompt=0.03,
            trust_quality=0.1,
            trust_arrears=0.05,
            trust_coercion=0.01,
            trust_fixed=0,
            compulsory=1,
            enforcement_max=0.1,
        )
        update_trust(s, 0.2, r)
        change = 0.02 * 0.5 + 0.03 * 0.5 + 0.1 * 0.4 - 0.05 * (0.3 + 0.2) * 0.5 - 0.01 * 0.8 * 0.5
        assert s.trust == pytest.approx(0.5 + change)

    def test_each_driver_has_its_sign(self) -> None:
        assert moved() == 0.0
        assert moved(trust_meetings=0.1) > 0
        assert moved(trust_prompt=0.1) > 0
        assert moved(trust_quality=0.1, sec={"quality": 0.9}) > 0
        assert moved(trust_quality=0.1, sec={"quality": 0.1}) < 0
        assert moved(trust_arrears=0.1, sec={"arrears": 1.0}) < 0
        assert moved(0.5, trust_arrears=0.1) < 0
        assert moved(trust_coercion=0.1, compulsory=1) < 0
        assert moved(trust_coercion=0.1, compulsory=0) == 0.0

    def test_a_law_without_sanctions_costs_no_trust(self) -> None:
        law = dict(trust_coercion=0.1, compulsory=1)
        assert moved(**law, gate_probability=0.0, enforcement_max=0.0) == 0.0
        assert moved(**law, gate_probability=0.1, enforcement_max=0.0) < 0
        assert moved(**law, gate_probability=0.0, enforcement_max=0.1) < 0

    @pytest.mark.parametrize(("arrears", "prompt"), [(0.99, True), (1.0, False)])
    def test_prompt_is_within_a_month(self, arrears: float, prompt: bool) -> None:
        assert (moved(trust_prompt=0.1, sec={"arrears": arrears}) > 0) == prompt

    def test_a_year_of_arrears_is_the_worst(self) -> None:
        at_twelve = moved(trust_arrears=0.1, sec={"arrears": 12.0})
        assert moved(trust_arrears=0.1, sec={"arrears": 60.0}) == at_twelve
        assert at_twelve == pytest.approx(-0.1 * 4 * 0.4)

    def test_switched_off_it_does_not_move(self) -> None:
        assert moved(trust_meetings=0.5, trust_fixed=1) == 0.0

    def test_fraud_that_came_to_light_by_hand(self) -> None:
        found = {"fraud_found": 0.3}
        assert moved(sec=found, trust_fraud=0.5) == pytest.approx(-0.5 * 0.3 * 0.4)
        assert moved(sec=found, trust_fraud=0.0) == 0.0

    @pytest.mark.parametrize("trust_fixed", [0, 1])
    def test_fraud_counts_once(self, trust_fixed: int) -> None:
        s = section(fraud_found=0.3)
        update_trust(s, 0.0, rule(**{**STILL, "trust_fixed": trust_fixed}))
        assert s.fraud_found == 0.0

    @given(*[st.floats(0, 1)] * 9, st.floats(0, 60), st.integers(0, 1))
    @quick
    def test_stays_between_zero_and_one(
        self,
        trust: float,
        quality: float,
        refused: float,
        m: float,
        p: float,
        q: float,
        a: float,
        c: float,
        fraud: float,
        arrears: float,
        compulsory: int,
    ) -> None:
        s = section(trust=trust, quality=quality, arrears=arrears, enforcement=1.0, fraud_found=fraud)
        r = rule(
            trust_meetings=m,
            trust_prompt=p,
            trust_quality=q,
            trust_arrears=a,
            trust_coercion=c,
            trust_fraud=1.0,
            blame_provider_share=0.0,
            trust_fixed=0,
            compulsory=compulsory,
        )
        update_trust(s, refused, r)
        assert 0.0 <= s.trust <= 1.0

    def test_settles_where_gains_and_losses_balance(self) -> None:
        s = section(trust=0.1, quality=0.6, arrears=0.0)
        r = rule(**{**STILL, "trust_meetings": 0.02, "trust_prompt": 0.01, "trust_quality": 0.03})
        for _ in range(2_000):
            update_trust(s, 0.0, r)
        # (m + p)(1 - T) + q (Q - T) = 0
        assert s.trust == pytest.approx((0.03 + 0.03 * 0.6) / 0.06)


class TestEnforcement:
    def test_by_hand(self) -> None:
        s = section(enforcement=0.3)
        update_enforcement(s, rule(mobilisation_effort=0.5, compulsory=0, enforcement_growth=0.6))
        assert s.enforcement == pytest.approx(0.3 + 0.5 * 0.05 * 0.7)

    def test_the_law_is_full_effort(self) -> None:
        law, campaign = section(enforcement=0.3), section(enforcement=0.3)
        update_enforcement(law, rule(mobilisation_effort=0.2, compulsory=1, enforcement_growth=0.6))
        update_enforcement(campaign, rule(mobilisation_effort=1.0, compulsory=0, enforcement_growth=0.6))
        assert law.enforcement == campaign.enforcement

    @pytest.mark.parametrize("growth", [0.5, 6.0, 12.0])
    def test_grows_to_one(self, growth: float) -> None:
        s = section(enforcement=0.0)
        r = rule(mobilisation_effort=1.0, enforcement_growth=growth)
        before = 0.0
        for _ in range(600):
            update_enforcement(s, r)
            assert before <= s.enforcement <= 1.0
            before = float(s.enforcement)
        assert before > 1 - 1e-9

    def test_rests_without_effort(self) -> None:
        s = section(enforcement=0.3)
        update_enforcement(s, rule(mobilisation_effort=0.0, compulsory=0, enforcement_growth=12.0))
        assert s.enforcement == 0.3


class TestCapacity:
    def test_by_hand(self) -> None:
        s = section(capacity=0.4)
        update_capacity(s, rule(assistance_gain=0.05, capacity_decay=0.02))
        assert s.capacity == pytest.approx(0.4 + 0.05 * 0.6 - 0.02 * 0.4)

    def test_settles_where_gain_and_decay_balance(self) -> None:
        s = section(capacity=0.0)
        for _ in range(500):
            update_capacity(s, rule(assistance_gain=0.06, capacity_decay=0.02))
        assert s.capacity == pytest.approx(0.75)

    def test_decays_once_assistance_ends(self) -> None:
        s = section(capacity=0.8)
        for _ in range(12):
            update_capacity(s, rule(assistance_gain=0.0, capacity_decay=0.1))
        assert s.capacity == pytest.approx(0.8 * 0.9**12)

    @given(st.floats(0, 1), st.floats(0, 3), st.floats(0, 3))
    @quick
    def test_stays_between_zero_and_one(self, capacity: float, gain: float, decay: float) -> None:
        s = section(capacity=capacity)
        update_capacity(s, rule(assistance_gain=gain, capacity_decay=decay))
        assert 0.0 <= s.capacity <= 1.0


class TestDonors:
    def test_by_hand(self) -> None:
        f = flows()
        pay_donors(1_001, rule(donor_budget_rwf=2.5, assistance_rwf=0.3), f)
        assert (f[codes.BUDGET_SUPPORT], f[codes.ASSISTANCE]) == (2_503, 300)
        assert f.sum() == 2_803
