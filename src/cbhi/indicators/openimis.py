"""The operational indicators of openIMIS, with the codes of its user manual.

P1 to P9 describe policies, P10 to P12 claims, D1 to D9 are derived from them. Definitions: openIMIS user
manual, reports "Primary operational indicators - policies", "Primary operational indicators - claims" and
"Derived operational indicators". Dates are days; a period runs from its first to its last day, both
included. One table row is one policy (or contribution, or claim) of the product in question.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._checks import ABSENT, Total, check_mask, check_total, check_values, divide

__all__ = [
    "ClaimIndicators",
    "DerivedIndicators",
    "PolicyIndicators",
    "openimis_claim_indicators",
    "openimis_derived_indicators",
    "openimis_policy_indicators",
]

Days: TypeAlias = NDArray[np.datetime64]


class PolicyIndicators(NamedTuple):
    """P1 to P9. P8 and P9 are NaN where contributions were not given."""

    p1_policies: int
    p2_new_policies: int
    p3_suspended_policies: int
    p4_expired_policies: int
    p5_renewals: int
    p6_insurees: int
    p7_newly_insured: int
    p8_newly_collected_contributions: float
    p9_available_contributions: float


class ClaimIndicators(NamedTuple):
    """P10 to P12."""

    p10_claims: int
    p11_amount_remunerated: float
    p12_rejected_claims: int


class DerivedIndicators(NamedTuple):
    """D1 to D9; NaN where an input is absent or a denominator is zero."""

    d1_incurred_claims_ratio: float
    d2_renewal_ratio: float
    d3_growth_ratio: float
    d4_promptness_days: float
    d5_claims_settlement_ratio: float
    d6_claims_per_insuree: float
    d7_average_cost_per_claim: float
    d8_satisfaction_level: float
    d9_feedback_response_ratio: float


def _days(name: str, values: ArrayLike, length: int | None = None, *, allow_missing: bool = False) -> Days:
    try:
        array = np.asarray(values, dtype="datetime64[D]")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must hold dates such as '2011-07-01': {error}") from None
    if array.ndim != 1:
        raise ValueError(f"{name} must have 1 dimension(s), got {array.ndim}")
    if array.size == 0:
        raise ValueError(f"{name} is empty")
    if length is not None and array.size != length:
        raise ValueError(f"{name} has {array.size} rows where {length} are expected")
    if not allow_missing and np.any(np.isnat(array)):
        raise ValueError(f"{name} has missing dates")
    return array


def _period(first_day: object, last_day: object) -> tuple[np.datetime64, np.datetime64]:
    ends = []
    for name, day in (("first_day", first_day), ("last_day", last_day)):
        try:
            end = np.datetime64(day, "D")  # type: ignore[call-overload]
        except (TypeError, ValueError) as error:
            raise ValueError(f"{name} must be a date such as '2011-07-01': {error}") from None
        if np.isnat(end):
            raise ValueError(f"{name} is missing")
        ends.append(end)
    if ends[1] < ends[0]:
        raise ValueError(f"last_day {ends[1]} lies before first_day {ends[0]}")
    return ends[0], ends[1]


def openimis_policy_indicators(
    first_day: str | np.datetime64,
    last_day: str | np.datetime64,
    *,
    enrolment_date: ArrayLike,
    effective_date: ArrayLike,
    expiry_date: ArrayLike,
    is_active: ArrayLike,
    is_suspended: ArrayLike,
    is_expired: ArrayLike,
    is_renewal: ArrayLike,
    n_insurees: ArrayLike,
    suspension_date: ArrayLike | None = None,
    contribution: ArrayLike | None = None,
    payment_date: ArrayLike | None = None,
    payment: ArrayLike | None = None,
) -> PolicyIndicators:
    """Compute the primary indicators of policies, P1 to P9, for one period.

    Parameters
    ----------
    first_day, last_day : date
        The period, both days included.
    enrolment_date, effective_date, expiry_date : date array, shape (n,)
        Dates of each policy; a policy covers the effective and the expiry day.
    is_active, is_suspended, is_expired : boolean array, shape (n,)
        Status of each policy.
    is_renewal : boolean array, shape (n,)
        True where a policy with the same (or the converted) product went before.
    n_insurees : array, shape (n,)
        Persons in the family that holds the policy.
    suspension_date : date array, shape (n,), optional
        Needed, for the suspended rows, when a policy is suspended; missing elsewhere.
    contribution : array, shape (n,), optional
        Contributions that belong to each policy, money, spread evenly over its days for P9.
    payment_date, payment : array, shape (m,), optional
        Table of contributions received (date, money) for P8; m need not equal n.

    Returns
    -------
    PolicyIndicators
        Counts (P1 to P7) and money (P8, P9).

    Raises
    ------
    ValueError
        If a table is empty, has missing dates or values, columns of different length, an expiry before the
        effective date, or a period that ends before it begins.

    References
    ----------
    openIMIS user manual, "Primary operational indicators - policies report".

    Examples
    --------
    >>> result = openimis_policy_indicators(
    ...     "2011-07-01", "2011-07-31",
    ...     enrolment_date=["2011-07-05", "2010-07-01"], effective_date=["2011-07-12", "2010-07-12"],
    ...     expiry_date=["2012-07-11", "2011-07-11"], is_active=[1, 0], is_suspended=[0, 0],
    ...     is_expired=[0, 1], is_renewal=[0, 0], n_insurees=[4, 5], contribution=[3660, 3650],
    ... )
    >>> result.p1_policies, result.p4_expired_policies, result.p6_insurees
    (1, 1, 4)
    >>> round(result.p9_available_contributions)
    310
    """
    start, end = _period(first_day, last_day)
    enrolled = _days("enrolment_date", enrolment_date)
    n = enrolled.size
    effective = _days("effective_date", effective_date, n)
    expiry = _days("expiry_date", expiry_date, n)
    if np.any(expiry < effective):
        raise ValueError("expiry_date lies before effective_date in some rows")
    active = check_mask("is_active", is_active, n)
    suspended = check_mask("is_suspended", is_suspended, n)
    expired = check_mask("is_expired", is_expired, n)
    renewal = check_mask("is_renewal", is_renewal, n)
    insurees = check_values("n_insurees", n_insurees, length=n, lower=0.0)

    def within(day: Days) -> NDArray[np.bool_]:
        return np.asarray((day >= start) & (day <= end))

    if suspension_date is None:
        if suspended.any():
            raise ValueError("suspension_date is needed because some policies are suspended")
        suspended_now = 0
    else:
        stopped = _days("suspension_date", suspension_date, n, allow_missing=True)
        if np.any(np.isnat(stopped) & suspended):
            raise ValueError("suspension_date is missing for some suspended policies")
        suspended_now = int(np.count_nonzero(suspended & within(stopped)))
    covering = active & (effective <= end) & (end <= expiry)
    new = within(enrolled) & ~renewal
    return PolicyIndicators(
        p1_policies=int(np.count_nonzero(covering)),
        p2_new_policies=int(np.count_nonzero(new)),
        p3_suspended_policies=suspended_now,
        p4_expired_policies=int(np.count_nonzero(expired & within(expiry))),
        p5_renewals=int(np.count_nonzero(within(enrolled) & renewal)),
        p6_insurees=round(float(insurees[covering].sum())),
        p7_newly_insured=round(float(insurees[new].sum())),
        p8_newly_collected_contributions=_collected(payment_date, payment, start, end),
        p9_available_contributions=_available(contribution, effective, expiry, start, end),
    )


def _collected(
    payment_date: ArrayLike | None, payment: ArrayLike | None, start: np.datetime64, end: np.datetime64
) -> float:
    if payment_date is None and payment is None:
        return ABSENT
    if payment_date is None or payment is None:
        raise ValueError("payment_date and payment must be given together")
    paid_on = _days("payment_date", payment_date)
    amount = check_values("payment", payment, length=paid_on.size, lower=0.0)
    return float(amount[(paid_on >= start) & (paid_on <= end)].sum())


def _available(
    contribution: ArrayLike | None,
    effective: Days,
    expiry: Days,
    start: np.datetime64,
    end: np.datetime64,
) -> float:
    if contribution is None:
        return ABSENT
    amount = check_values("contribution", contribution, length=effective.size, lower=0.0)
    one = np.timedelta64(1, "D")
    insured_days = (expiry - effective + one) / one
    overlap = (np.minimum(expiry, end) - np.maximum(effective, start) + one) / one
    return float(np.dot(amount, np.maximum(overlap, 0.0) / insured_days))


def openimis_claim_indicators(
    first_day: str | np.datetime64,
    last_day: str | np.datetime64,
    *,
    start_date: ArrayLike,
    amount_remunerated: ArrayLike,
    is_rejected: ArrayLike,
) -> ClaimIndicators:
    """Compute the primary indicators of claims, P10 to P12, for one period.

    Parameters
    ----------
    first_day, last_day : date
        The period, both days included.
    start_date : date array, shape (n,)
        Start date of each claim; it decides the period to which the claim belongs.
    amount_remunerated : array, shape (n,)
        Amount paid for each claim, money, not negative.
    is_rejected : boolean array, shape (n,)
        True for rejected claims.

    Returns
    -------
    ClaimIndicators
        Claims, money paid for them, rejected claims.

    Raises
    ------
    ValueError
        If a column is empty, has missing or negative values, or another length.

    References
    ----------
    openIMIS user manual, "Primary operational indicators - claims report".

    Examples
    --------
    >>> openimis_claim_indicators(
    ...     "2011-07-01", "2011-07-31", start_date=["2011-07-02", "2011-07-31", "2011-08-01"],
    ...     amount_remunerated=[900, 0, 500], is_rejected=[0, 1, 0],
    ... )
    ClaimIndicators(p10_claims=2, p11_amount_remunerated=900.0, p12_rejected_claims=1)
    """
    start, end = _period(first_day, last_day)
    began = _days("start_date", start_date)
    amount = check_values("amount_remunerated", amount_remunerated, length=began.size, lower=0.0)
    rejected = check_mask("is_rejected", is_rejected, began.size)
    now = (began >= start) & (began <= end)
    return ClaimIndicators(
        int(np.count_nonzero(now)), float(amount[now].sum()), int(np.count_nonzero(now & rejected))
    )


def _ratio(names: tuple[str, str], numerator: Total, denominator: Total) -> float:
    top, bottom = (check_total(n, v) for n, v in zip(names, (numerator, denominator), strict=True))
    for name, value in zip(names, (top, bottom), strict=True):
        if value.ndim:
            raise ValueError(f"{name} must be one number")
    return float(divide(top, bottom, names))


def _average(name: str, values: ArrayLike | None) -> float:
    return ABSENT if values is None else float(check_values(name, values, lower=0.0).mean())


def openimis_derived_indicators(
    *,
    new_policies: float | None = None,
    policies_previous_period: float | None = None,
    expired_policies: float | None = None,
    renewals: float | None = None,
    insurees: float | None = None,
    available_contributions: float | None = None,
    claims: float | None = None,
    amount_remunerated: float | None = None,
    rejected_claims: float | None = None,
    settlement_days: ArrayLike | None = None,
    feedback_marks: ArrayLike | None = None,
    feedbacks_received: float | None = None,
    feedbacks_requested: float | None = None,
) -> DerivedIndicators:
    """Compute the derived indicators, D1 to D9, from the primary ones.

    Parameters
    ----------
    new_policies, policies_previous_period, expired_policies, renewals, insurees : float, optional
        P2, P1 of the period before, P4, P5, P6; counts.
    available_contributions : float, optional
        P9; money.
    claims : float, optional
        P10; a count.
    amount_remunerated : float, optional
        P11; money.
    rejected_claims : float, optional
        P12; a count.
    settlement_days : array, shape (n,), optional
        Days from submission to payment of each claim of the period.
    feedback_marks : array, shape (m,), optional
        Mark of each feedback received.
    feedbacks_received, feedbacks_requested : float, optional
        Counts.

    Returns
    -------
    DerivedIndicators
        Ratios unit-free, D4 in days, D6 in claims an insuree, D7 in money a claim, D8 in marks.

    Raises
    ------
    ValueError
        If a figure is negative, infinite or not one number, or more claims are rejected than made.

    References
    ----------
    openIMIS user manual, "Derived operational indicators report": D1 P11/P9, D2 P5/P4, D3 P2/P1 of the
    period before, D4 mean days to payment, D5 (P10-P12)/P10, D6 P10/P6, D7 P11/P10, D8 mean mark, D9
    feedbacks received over asked for.

    Examples
    --------
    >>> result = openimis_derived_indicators(
    ...     claims=50, rejected_claims=5, amount_remunerated=9000, insurees=100
    ... )
    >>> result.d5_claims_settlement_ratio, result.d6_claims_per_insuree, result.d7_average_cost_per_claim
    (0.9, 0.5, 180.0)
    >>> result.d1_incurred_claims_ratio
    nan
    """
    check_total("claims", claims)
    check_total("rejected_claims", rejected_claims)
    settled: float | None = None
    if claims is not None and rejected_claims is not None:
        if rejected_claims > claims:
            raise ValueError(f"rejected_claims is {rejected_claims:g}, more than claims, {claims:g}")
        settled = claims - rejected_claims
    return DerivedIndicators(
        _ratio(
            ("amount_remunerated", "available_contributions"), amount_remunerated, available_contributions
        ),
        _ratio(("renewals", "expired_policies"), renewals, expired_policies),
        _ratio(("new_policies", "policies_previous_period"), new_policies, policies_previous_period),
        _average("settlement_days", settlement_days),
        _ratio(("settled claims", "claims"), settled, claims),
        _ratio(("claims", "insurees"), claims, insurees),
        _ratio(("amount_remunerated", "claims"), amount_remunerated, claims),
        _average("feedback_marks", feedback_marks),
        _ratio(("feedbacks_received", "feedbacks_requested"), feedbacks_received, feedbacks_requested),
    )
