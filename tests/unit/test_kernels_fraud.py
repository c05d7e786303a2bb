"""Detection, review of claims and embezzlement: numbers by hand, and francs that add up."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import flows, gauges, quick, rule, section, tallies

from cbhi.kernels import codes, fraud

FRAUD = dict(
    ghost_share=0.04,
    billing_fraud_share=0.06,
    embezzled_share=0.1,
    honest_rejection=0.02,
    audit_hours=0.005,
    audit_effect=0.1,
    deterrence=0.0,
    audit_hour_rwf=1_000.0,
    blame_provider_share=0.5,
    capacity_effect=0.5,
)
# 5 hours per 1,000 claims at 0.1
FOUND = 1 - math.exp(-0.5)
NO_FRAUD = dict.fromkeys(
    ("ghost_share", "billing_fraud_share", "embezzled_share", "honest_rejection", "audit_hours"), 0.0
)


class TestDetection:
    @pytest.mark.parametrize(
        ("hours", "capacity", "expected"),
        [
            (0.0, 1.0, 0.0),
            (0.005, 0.0, FOUND),
            (0.005, 1.0, 1 - 0.5 * math.exp(-0.5)),
            (0.010, 0.4, 1 - 0.8 * math.exp(-1.0)),
        ],
    )
    def test_by_hand(self, hours: float, capacity: float, expected: float) -> None:
        r = rule(**{**FRAUD, "audit_hours": hours})
        assert fraud.detection(section(capacity=capacity), r) == pytest.approx(expected)

    @given(st.floats(0, 0.1), st.floats(0, 0.1), st.floats(0, 1), st.floats(0, 1))
    @quick
    def test_more_audit_and_capacity_find_more(self, h1: float, h2: float, c1: float, c2: float) -> None:
        low = fraud.detection(section(capacity=min(c1, c2)), rule(**{**FRAUD, "audit_hours": min(h1, h2)}))
        high = fraud.detection(section(capacity=max(c1, c2)), rule(**{**FRAUD, "audit_hours": max(h1, h2)}))
        assert 0 <= low <= high <= 1


class TestReview:
    def test_by_hand(self) -> None:
        sec = section(fund=10_000, blame=0.1)
        f, t, g = flows(), tallies(), gauges()
        approved = fraud.review_claims(sec, 200_000, 240, rule(**FRAUD), f, t, g)
        found = round(20_000 * FOUND)
        mistaken = round(4_000 * FOUND)
        assert (t[codes.GHOST_RWF], t[codes.INFLATED_RWF]) == (8_000, 12_000)
        assert t[codes.BILLED_HEALTH_CENTRE] == 20_000
        assert t[codes.FRAUD_FOUND_RWF] == found
        assert t[codes.CLAIMS_REJECTED_SECTION] == found + mistaken
        assert approved == t[codes.CLAIMS_APPROVED_SECTION] == 220_000 - found - mistaken
        # 240 claims take 1.2 hours at 1,000 RWF
        assert (f[codes.AUDIT], sec.fund) == (1_200, 8_800)
        assert g[codes.GAUGE_AUDIT_HOURS] == pytest.approx(1.2)
        # half of the blame is the provider's
        assert sec.fraud_found == pytest.approx(0.5 * found / 200_000)
        assert sec.blame == pytest.approx(0.1 + 0.1 * (0.5 * found / 200_000 - 0.1))

    def test_nothing_happens_while_off(self) -> None:
        sec = section(fund=10_000)
        f, t, g = flows(), tallies(), gauges()
        assert fraud.review_claims(sec, 200_000, 240, rule(**FRAUD | NO_FRAUD), f, t, g) == 200_000
        assert t[codes.CLAIMS_APPROVED_SECTION] == t.sum() == 200_000
        assert (f.sum(), g.sum(), sec.fund, sec.fraud_found, sec.blame) == (0, 0.0, 10_000, 0.0, 0.0)

    def test_without_audit_all_fraud_is_paid(self) -> None:
        sec = section(fund=10_000, capacity=1.0)
        f, t, g = flows(), tallies(), gauges()
        assert (
            fraud.review_claims(sec, 200_000, 240, rule(**{**FRAUD, "audit_hours": 0.0}), f, t, g) == 220_000
        )
        assert (f.sum(), t[codes.FRAUD_FOUND_RWF], sec.fraud_found) == (0, 0, 0.0)

    def test_the_chance_of_being_found_out_deters(self) -> None:
        sec = section(fund=10_000)
        t = tallies()
        r = rule(**{**FRAUD, "deterrence": 0.5})
        fraud.review_claims(sec, 200_000, 240, r, flows(), t, gauges())
        tried = 1 - 0.5 * FOUND
        assert (t[codes.GHOST_RWF], t[codes.INFLATED_RWF]) == (round(8_000 * tried), round(12_000 * tried))
        assert fraud.attempted(0.0, r) == 1.0
        assert fraud.attempted(1.0, rule(**{**FRAUD, "deterrence": 1.0})) == 0.0
        lost = fraud.embezzle(section(fund=70_000), 50_000, r, flows(), tallies())
        assert lost == round(5_000 * tried) - int(round(5_000 * tried) * FOUND)

    def test_a_poor_fund_pays_what_it_has(self) -> None:
        sec = section(fund=300)
        f = flows()
        fraud.review_claims(sec, 200_000, 240, rule(**FRAUD), f, tallies(), gauges())
        assert (f[codes.AUDIT], sec.fund) == (300, 0)

    @given(
        st.integers(0, 10**7), st.floats(0, 5), st.floats(0, 5), st.floats(0, 1), st.floats(0, 10),
        st.floats(0, 1), st.integers(0, 10**5),
    )  # fmt: skip
    @quick
    def test_every_franc_submitted_is_approved_or_rejected(
        self, claims: int, ghost: float, inflated: float, mistaken: float, hours: float, capacity: float,
        fund: int,
    ) -> None:  # fmt: skip
        sec = section(fund=fund, capacity=capacity)
        f, t, g = flows(), tallies(), gauges()
        r = rule(
            **FRAUD
            | {
                "ghost_share": ghost, "billing_fraud_share": inflated, "honest_rejection": mistaken,
                "audit_hours": hours / 1_000,
            }
        )  # fmt: skip
        approved = fraud.review_claims(sec, claims, claims // 1_000, r, f, t, g)
        submitted = claims + t[codes.BILLED_HEALTH_CENTRE]
        assert t[codes.CLAIMS_APPROVED_SECTION] + t[codes.CLAIMS_REJECTED_SECTION] == submitted
        assert 0 <= approved == t[codes.CLAIMS_APPROVED_SECTION]
        invented = t[codes.GHOST_RWF] + t[codes.INFLATED_RWF]
        assert 0 <= t[codes.FRAUD_FOUND_RWF] <= invented == t[codes.BILLED_HEALTH_CENTRE]
        assert 0 <= sec.fund == fund - f[codes.AUDIT]
        assert 0 <= sec.fraud_found <= 1
        assert 0 <= sec.blame <= 1


class TestEmbezzlement:
    def test_by_hand(self) -> None:
        sec = section(fund=70_000, fraud_found=0.01)
        f, t = flows(), tallies()
        lost = fraud.embezzle(sec, 50_000, rule(**FRAUD), f, t)
        found = int(5_000 * FOUND)
        assert found == 1_967
        assert lost == f[codes.EMBEZZLEMENT] == 5_000 - found
        assert sec.fund == 70_000 - lost
        assert t[codes.EMBEZZLEMENT_FOUND_RWF] == found
        assert sec.fraud_found == pytest.approx(0.01 + found / 50_000)

    def test_never_more_than_there_is(self) -> None:
        sec = section(fund=1_000)
        assert fraud.embezzle(sec, 50_000, rule(**{**FRAUD, "audit_hours": 0.0}), flows(), tallies()) == 1_000
        assert sec.fund == 0

    def test_nothing_happens_while_off(self) -> None:
        sec = section(fund=1_000)
        f, t = flows(), tallies()
        assert fraud.embezzle(sec, 50_000, rule(**FRAUD | NO_FRAUD), f, t) == 0
        assert (f.sum(), t.sum(), sec.fund, sec.fraud_found) == (0, 0, 1_000, 0.0)
