"""Rounding and the split of a bill, by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quick

from cbhi.kernels.money import split_bill, to_francs


@pytest.mark.parametrize(
    ("amount", "francs"),
    [(0.0, 0), (0.49, 0), (0.5, 1), (1.5, 2), (2.5, 3), (-0.5, 0), (-0.51, -1), (7.0, 7)],
)
def test_halves_go_upwards(amount: float, francs: int) -> None:
    assert to_francs(amount) == francs


@pytest.mark.parametrize(
    ("bill", "copayment", "share", "patient"),
    [
        (1000, 200, 0.0, 200),
        (150, 200, 0.0, 150),  # never more than the bill
        (200, 200, 0.5, 200),
        (1000, 0, 0.1, 100),
        (1000, 200, 0.1, 280),
        (1005, 0, 0.1, 101),  # 100.5 goes up
        (0, 200, 0.1, 0),
        (1000, 0, 0.0, 0),
        (1000, 0, 1.0, 1000),
    ],
)
def test_split_by_hand(bill: int, copayment: int, share: float, patient: int) -> None:
    assert split_bill(bill, copayment, share) == (patient, bill - patient)


@given(st.integers(0, 10**9), st.integers(0, 10**6), st.integers(0, 100))
@quick
def test_parts_sum_and_neither_is_negative(bill: int, copayment: int, percent: int) -> None:
    patient, payer = split_bill(bill, copayment, percent / 100)
    assert patient + payer == bill
    assert patient >= 0
    assert payer >= 0
    fixed = min(bill, copayment)
    assert abs(patient - (fixed + Fraction(percent, 100) * (bill - fixed))) <= Fraction(50_001, 100_000)


@given(st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**5), st.floats(0, 1))
@quick
def test_a_higher_copayment_never_lowers_the_patients_part(
    bill: int, one: int, other: int, share: float
) -> None:
    low, high = sorted((one, other))
    assert split_bill(bill, low, share)[0] <= split_bill(bill, high, share)[0]
