"""openIMIS operational indicators: a small register worked through by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cbhi import indicators as ind

JULY = ("2011-07-01", "2011-07-31")

# Six policies; period July 2011.
REGISTER = {
    # 0 new, in force at the end; 1 renewed, not yet in force; 2 old, in force to the last day;
    # 3 old, expired on 11 July; 4 suspended on 20 July; 5 enrolled before, suspended before
    "enrolment_date": ["2011-07-05", "2011-07-31", "2010-08-01", "2010-07-01", "2011-01-01", "2011-01-01"],
    "effective_date": ["2011-07-12", "2011-08-10", "2010-08-01", "2010-07-12", "2011-01-11", "2011-01-11"],
    "expiry_date": ["2012-07-10", "2012-08-08", "2011-07-31", "2011-07-11", "2012-01-10", "2012-01-10"],
    "is_active": [1, 1, 1, 0, 0, 0],
    "is_suspended": [0, 0, 0, 0, 1, 1],
    "is_expired": [0, 0, 0, 1, 0, 0],
    "is_renewal": [0, 1, 0, 0, 1, 0],
    "n_insurees": [4, 6, 3, 5, 2, 7],
    "suspension_date": ["NaT", "NaT", "NaT", "NaT", "2011-07-20", "2011-06-30"],
}


def test_policies_by_hand() -> None:
    result = ind.openimis_policy_indicators(
        *JULY,
        **REGISTER,
        payment_date=["2011-07-01", "2011-07-31", "2011-08-01", "2011-06-30"],
        payment=[1000, 500, 70, 7],
    )
    assert result[:8] == (2, 1, 1, 1, 1, 7, 4, 1500.0)
    assert math.isnan(result.p9_available_contributions)


def test_available_contributions_are_spread_over_the_insured_days() -> None:
    result = ind.openimis_policy_indicators(
        *JULY, **REGISTER, contribution=[3650, 3650, 3650, 3650, 3650, 3650]
    )
    # insured days 365 each; July holds 20, 0, 31, 11, 31 and 31 of them
    assert result.p9_available_contributions == pytest.approx(10 * (20 + 0 + 31 + 11 + 31 + 31))
    assert math.isnan(result.p8_newly_collected_contributions)


def test_available_contributions_add_up_over_the_months() -> None:
    months = [
        ("2011-07-01", "2011-07-31"),
        ("2011-08-01", "2011-12-31"),
        ("2012-01-01", "2012-12-31"),
        ("2010-01-01", "2011-06-30"),
    ]
    total = sum(
        ind.openimis_policy_indicators(*m, **REGISTER, contribution=[100] * 6).p9_available_contributions
        for m in months
    )
    assert total == pytest.approx(600)


def test_claims_by_hand() -> None:
    result = ind.openimis_claim_indicators(
        *JULY,
        start_date=["2011-06-30", "2011-07-01", "2011-07-31", "2011-08-01", "2011-07-10"],
        amount_remunerated=[1, 20, 0, 300, 4000],
        is_rejected=[1, 0, 1, 0, 0],
    )
    assert result == (3, 4020.0, 1)


def test_one_row_is_enough() -> None:
    result = ind.openimis_claim_indicators(
        *JULY, start_date=["2011-07-01"], amount_remunerated=[5], is_rejected=[0]
    )
    assert result == (1, 5.0, 0)


def test_derived_by_hand() -> None:
    result = ind.openimis_derived_indicators(
        new_policies=30,
        policies_previous_period=120,
        expired_policies=40,
        renewals=34,
        insurees=600,
        available_contributions=50_000,
        claims=300,
        amount_remunerated=36_000,
        rejected_claims=15,
        settlement_days=[10, 20, 60],
        feedback_marks=[3, 5],
        feedbacks_received=24,
        feedbacks_requested=32,
    )
    assert result == pytest.approx((0.72, 0.85, 0.25, 30.0, 0.95, 0.5, 120.0, 4.0, 0.75))


def test_nothing_known_is_nothing_reported() -> None:
    assert all(math.isnan(value) for value in ind.openimis_derived_indicators())
    zero = ind.openimis_derived_indicators(
        new_policies=3,
        policies_previous_period=0,
        renewals=1,
        expired_policies=0,
        claims=0,
        rejected_claims=0,
    )
    assert all(math.isnan(value) for value in zero)


@pytest.mark.parametrize("column", list(REGISTER))
def test_policy_columns_are_checked(column: str) -> None:
    for bad in ([], REGISTER[column][:-1]):
        with pytest.raises(ValueError, match=rf"{column}|rows where"):
            ind.openimis_policy_indicators(*JULY, **{**REGISTER, column: bad})
    if column.endswith("date"):
        with pytest.raises(ValueError, match=column):
            ind.openimis_policy_indicators(*JULY, **{**REGISTER, column: ["soon"] * 6})
    if column.endswith("date") and column != "suspension_date":
        with pytest.raises(ValueError, match=f"{column} has missing dates"):
            ind.openimis_policy_indicators(*JULY, **{**REGISTER, column: ["NaT"] * 6})
    if column.startswith("is_"):
        with pytest.raises(ValueError, match=f"{column} must hold only"):
            ind.openimis_policy_indicators(*JULY, **{**REGISTER, column: [2] * 6})


def test_contradictions_are_refused() -> None:
    with pytest.raises(ValueError, match="last_day"):
        ind.openimis_policy_indicators("2011-07-31", "2011-07-01", **REGISTER)
    with pytest.raises(ValueError, match="first_day"):
        ind.openimis_policy_indicators("summer", "2011-07-01", **REGISTER)
    with pytest.raises(ValueError, match="first_day is missing"):
        ind.openimis_policy_indicators("NaT", "2011-07-01", **REGISTER)
    with pytest.raises(ValueError, match="expiry_date lies before"):
        ind.openimis_policy_indicators(*JULY, **{**REGISTER, "expiry_date": ["2010-01-01"] * 6})
    without = {k: v for k, v in REGISTER.items() if k != "suspension_date"}
    with pytest.raises(ValueError, match="suspension_date is needed"):
        ind.openimis_policy_indicators(*JULY, **without)
    with pytest.raises(ValueError, match="suspension_date is missing"):
        ind.openimis_policy_indicators(*JULY, **{**REGISTER, "suspension_date": ["NaT"] * 6})
    with pytest.raises(ValueError, match="given together"):
        ind.openimis_policy_indicators(*JULY, **REGISTER, payment=[1.0])
    with pytest.raises(ValueError, match="rejected_claims"):
        ind.openimis_derived_indicators(claims=2, rejected_claims=3)
    with pytest.raises(ValueError, match="must be one number"):
        ind.openimis_derived_indicators(renewals=[1, 2], expired_policies=[3, 4])  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="settlement_days"):
        ind.openimis_derived_indicators(settlement_days=[-1])


def test_dates_may_be_numpy_or_text() -> None:
    as_numpy = {
        k: np.array(v, dtype="datetime64[D]") if k.endswith("date") else v for k, v in REGISTER.items()
    }
    period = tuple(np.datetime64(day) for day in JULY)
    one = ind.openimis_policy_indicators(*period, **as_numpy)
    two = ind.openimis_policy_indicators(*JULY, **REGISTER)
    assert one[:7] == two[:7]
