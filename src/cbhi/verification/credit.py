"""Credit: losses with a common factor, and joint liability."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import joint_liability_repayment, lender_recovery, vasicek_moments
from cbhi.simulation import simulate
from cbhi.verification.bare import flow, tally
from cbhi.verification.core import WRONG, Row, case, exact_row, mean_row
from cbhi.verification.windows import singles, windowed_scenario

if TYPE_CHECKING:
    from cbhi.results import Results

__all__: list[str] = []

# membership years of two months: a loan for the premium in the first month of each, paid back or lost in the
# second; luck that is shared is that of the calendar year
_PREMIUM_RWF = 120

_BORROWERS: dict[str, Any] = {
    # everybody wishes for cover every time, and has no cash to spare for it
    "enrolment.intercept": 20.0,
    "switches.cash_gate": True,
    "income.buffer_months": 12.0,
    "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), _PREMIUM_RWF),
    "loans.offered": True,
    "loans.borrowers": "everyone",
    "loans.months": 1,
    "loans.interest_share_per_year": 0.0,
    "loans.default_after_months": 1,
    # nobody is barred, and nobody would rather not pay: a loan is a ten-millionth of the penalty
    "loans.exclusion_months": 0,
    "loans.exclusion_value_months": 1000.0,
    # credit for all
    "loans.equity_rwf_per_person": 1e6,
    "loans.capital_ratio": 0.0,
}


class _Lending(NamedTuple):
    """How much is lent: loans of each household of a district in one calendar year."""

    loans: int
    districts: int
    replicates: int
    association: NDArray[np.int64]  # of each household of a district, 0 for none

    @property
    def loans_of_district(self) -> int:
        return self.loans * self.association.size


def _lend(changes: Mapping[str, Any], size: _Lending, seed: int, workers: int) -> Results:
    """Return a year of lending in many districts of one section each; nobody is refused."""
    scenario = windowed_scenario(
        {
            **_BORROWERS,
            "population.districts": size.districts,
            "population.sections": size.districts,
            "switches.groups": bool(size.association.any()),
            **changes,
        },
        size.loans,
        length=2,
        months_after=1,
    )
    people = singles(
        size.districts,
        size.association.size,
        cash_rwf=np.zeros(size.association.size, dtype=np.int64),
        association=size.association,
    )
    run = simulate(
        scenario, population=people, replicates=size.replicates, seed=seed, survey=0, workers=workers
    )
    if not (_of_year(run, codes.LOANS) == size.loans_of_district).all():
        raise RuntimeError("not everybody borrowed, so that this is not the world that theory is about")
    return run


def _of_year(run: Results, kind: int) -> NDArray[np.int64]:
    """Return a tally of the whole year, one value a district and replicate."""
    return np.asarray(tally(run, kind).sum(axis=1).ravel())


def _moments(share: NDArray[np.float64], p: float, sd: float, name: str, source: str) -> Iterator[Row]:
    """Yield rows on mean and spread of the default shares of districts."""
    yield mean_row(f"mean default share, {name}", p, share, unit="share", source="loans.default_share")
    squares = (share - p) ** 2
    found = math.sqrt(float(squares.mean()))
    yield Row(
        name=f"spread of the default share, {name}",
        limit="",
        closed_form=sd,
        simulated=found,
        standard_error=float(squares.std(ddof=1)) / math.sqrt(squares.size) / (2.0 * found),
        unit="share",
        source=source,
    )


def _spread(p: float, n_loans: int, pairs: Mapping[float, float]) -> float:
    """Return the sd of the default share of ``n_loans`` whose pairs have the correlations given.

    ``pairs`` maps the correlation of two loans' latent luck to the share of ordered pairs that have it:
    ``Var = p (1 - p) / n + (1 - 1 / n) sum_r share_r Cov_r`` with the covariance of two defaults from
    ``cbhi.limits.vasicek_moments``, whose variance is the limit of many loans.
    """
    common = sum(share * vasicek_moments(p, rho).sd ** 2 for rho, share in pairs.items())
    return math.sqrt(p * (1.0 - p) / n_loans + (1.0 - 1.0 / n_loans) * common)


@case("loan-losses", "V10")
def loan_losses(workers: int) -> Iterator[Row]:
    """Yearly loan losses of districts: mean, spread and tail, with and without common luck.

    Thirty households of a district take two loans in a year, and 10 % fail: the law of the default share is
    exact for these 60 loans. With many loans its moments and tail are ``vasicek_moments`` and
    ``vasicek_cdf``.
    """
    p, rho = 0.10, 0.10
    alone, two = np.zeros(30, dtype=np.int64), np.repeat([1, 2], 15)
    n = 60
    source = "cbhi.limits.vasicek_moments"

    def defaults(
        district: float, group: float, replicates: int, who: NDArray[np.int64], seed: int
    ) -> NDArray[np.int64]:
        rules = {
            "loans.default_share": p,
            "loans.district_correlation": district,
            "loans.group_correlation": group,
        }
        run = _lend(rules, _Lending(2, 1_000, replicates, who), seed, workers)
        return _of_year(run, codes.LOAN_DEFAULTS)

    lost = defaults(rho, 0.0, 12, alone, 101)
    yield from _moments(lost / n, p, _spread(p, n, {rho: 1.0}), "luck shared by a district", source)

    def tail(limit: int, probability: float) -> float:
        # more than ``limit`` of n fail: fewer than n - limit succeed
        return 1.0 - joint_liability_repayment(n, n - limit, 1.0 - probability, rho)

    for limit in (3, 6, 9):
        yield mean_row(
            f"districts that lose more than {limit / n:.0%} of loans, luck shared by a district",
            tail(limit, p),
            lost > limit,
            wrong=tuple(tail(limit, p * (1.0 + x)) for x in (WRONG, -WRONG)),
            wrong_by="share of loans that fail",
            unit="share",
            source="cbhi.limits.joint_liability_repayment",
        )
    lost = defaults(0.0, 0.0, 6, alone, 102)
    yield from _moments(lost / n, p, _spread(p, n, {0.0: 1.0}), "everybody's own luck", "binomial")
    # loans of one association share its luck of the year too
    lost = defaults(0.05, 0.10, 14, two, 103)
    inside = (n / 2 - 1) / (n - 1)
    spread = _spread(p, n, {0.15: inside, 0.05: 1.0 - inside})
    yield from _moments(lost / n, p, spread, "luck shared by a district and by associations", source)


@case("instalments", "V10")
def loans_of_several_months(workers: int) -> Iterator[Row]:
    """Loans over six months with interest: what the lender loses, and earns, as borrowers stop on the way.

    Interest is ``r (n + 1) / 24`` of the loan, fixed at grant, for n equal instalments. A loan that fails,
    with probability p, stops at an instalment j drawn evenly from the n: its instalments from j on are lost,
    ``(n - j + 1) / n`` of loan and interest, on average ``(n + 1) / (2 n)``.
    """
    months, rate, amount, p = 6, 0.24, 1_200, 0.2
    scenario = windowed_scenario(
        {
            **_BORROWERS,
            "population.districts": 500,
            "population.sections": 500,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), amount),
            "loans.months": months,
            "loans.interest_share_per_year": rate,
            "loans.fee_share": 0.0,
            "loans.default_share": p,
            "loans.district_correlation": 0.0,
            "loans.group_correlation": 0.0,
        },
        1,
        months_after=months + 1,
    )
    n = 100
    people = singles(500, n, cash_rwf=np.zeros(n, dtype=np.int64))
    run = simulate(scenario, population=people, replicates=4, seed=104, survey=0, workers=workers)
    lent = flow(run, codes.LOAN).sum(axis=1).ravel()
    if not (lent == amount * n).all():
        raise RuntimeError("not everybody borrowed, so that this is not the world that theory is about")
    lost = p * (months + 1.0) / (2.0 * months)
    cost = rate * (months + 1.0) / 24.0
    source = "uniform instalment of default, by hand"
    yield mean_row(
        "loans lost, six instalments", lost, _of_year(run, codes.LOAN_WRITTEN_OFF) / lent,
        unit="share", source=source,
    )  # fmt: skip
    earned = flow(run, codes.LOAN_INTEREST).sum(axis=1).ravel()
    yield mean_row(
        "interest earned, six instalments",
        cost * (1.0 - lost),
        earned / lent,
        unit="share of loans",
        source=source,
    )
    charged = _of_year(run, codes.LOAN_INTEREST_CHARGED)
    yield exact_row(
        "interest charged, six instalments",
        cost,
        float(charged.sum() / lent.sum()),
        unit="share of loans",
        source="r (n + 1) / 24",
    )


@case("joint-liability", "V11")
def joint_liability(workers: int) -> Iterator[Row]:
    """Joint liability: groups that repay in full, and what the lender loses.

    Who can pay gives up to its cap, in instalments, for the members of its association who cannot: K of n
    who can pay bring min(n, cap K) instalments.
    """
    can_pay = 0.9

    def lend(cap: float, rho: float, size: _Lending, seed: int) -> Results:
        rules = {
            "loans.liability": "joint",
            "loans.joint_cap": cap,
            "loans.social_sanction_months": 1000.0,
            "loans.default_share": 1.0 - can_pay,
            "loans.district_correlation": 0.0,
            "loans.group_correlation": rho,
        }
        return _lend(rules, size, seed, workers)

    # each district is one association, so that its losses are seen alone
    for seed, (members, needed, rho) in enumerate(((5, 4, 0.0), (5, 4, 0.2), (20, 16, 0.2)), 111):
        one = np.ones(members, dtype=np.int64)
        run = lend(1.25, rho, _Lending(3, 1_000, 3, one), seed)
        lost = tally(run, codes.LOAN_WRITTEN_OFF)[:, 1::2]
        yield mean_row(
            f"groups of {members} that repay in full, cap 1.25, correlation {rho:g}",
            joint_liability_repayment(members, needed, can_pay, rho),
            (lost == 0).mean(axis=1),
            unit="share",
            source="cbhi.limits.joint_liability_repayment",
        )
    # thirty districts of many associations each
    caps = ((5, 1.0, 0.2), (5, 1.25, 0.0), (5, 1.5, 0.0), (5, 2.0, 0.2), (20, 1.25, 0.2))
    for seed, (members, cap, rho) in enumerate(caps, 121):
        many = np.repeat(np.arange(1, 3_000 // members + 1), members)
        run = lend(cap, rho, _Lending(3, 30, 1, many), seed)
        yield mean_row(
            f"lost to the lender, groups of {members}, cap {cap:g}, correlation {rho:g}",
            1.0 - lender_recovery(members, can_pay, cap, rho),
            _of_year(run, codes.LOAN_WRITTEN_OFF) / flow(run, codes.LOAN).sum(axis=1).ravel(),
            wrong=tuple(
                1.0 - lender_recovery(members, can_pay * (1.0 + x), cap, rho) for x in (WRONG, -WRONG)
            ),
            wrong_by="share who can pay",
            unit="share",
            source="cbhi.limits.lender_recovery",
        )
