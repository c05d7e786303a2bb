"""Whole francs: the one rounding rule and the split of a bill."""

from __future__ import annotations

import math

from cbhi.kernels.compiling import compile_kernels


def to_francs(amount: float) -> int:
    """Return ``amount`` rounded to whole francs, halves upwards; the only rounding of money."""
    return math.floor(amount + 0.5)


def split_bill(gross_rwf: int, copayment_rwf: int, coinsurance_share: float) -> tuple[int, int]:
    """Return (patient's part, payer's part) of a bill; the two sum to the bill exactly.

    The patient owes the fixed co-payment, never more than the bill, plus the co-insurance on the rest.
    """
    fixed = min(int(gross_rwf), int(copayment_rwf))
    patient = fixed + to_francs((gross_rwf - fixed) * coinsurance_share)
    return patient, int(gross_rwf) - patient


compile_kernels(globals())
