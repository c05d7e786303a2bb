"""The variables of the results: how each follows from what a run wrote."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.records import F8, I8

By = Literal["all", "district", "quintile", "category", "sex", "cover"]


class Arrays(NamedTuple):
    """Everything a run wrote. R replicates, T months, D districts, P reporting years."""

    flows: I8  # (R, T, D, flows) francs moved, at the scale of the sample
    stocks: I8  # (R, T + 1, D, stocks), the first entry before the first month
    tallies: I8  # (R, T, D, tallies)
    gauges: F8  # (R, T, D, gauges)
    strata: I8  # (R, P, strata, stratum tallies): quintile of consumption times true category
    interviews: NDArray[Any]  # (R, N) of Interview; rows that were not needed have month 0
    opening_people: I8  # (R, D, 2): persons and households before the first month
    districts: I8  # (D,) the country's numbers of the districts
    replicates: I8  # (R,) their numbers


ALL_DISTRICTS = np.array([-1], dtype=np.int64)
"""``Arrays.districts`` where districts were added up: one, which is the whole country."""


def are_added_up(districts: I8) -> bool:
    """Return whether ``Arrays.districts`` says that districts were added up."""
    return np.array_equal(districts, ALL_DISTRICTS)


class Cells:
    """Sums of what was written, with one leading shape (replicates, periods, groups).

    For those who ask for many variables whole numbers are summed for all codes at once and kept
    (``at_once``): a code by itself lies scattered over everything that was written.
    """

    def __init__(
        self,
        arrays: Arrays,
        spans: list[tuple[int, int]],
        by: By,
        factor: F8,
        sold_from: I8,
        at_once: bool = False,
    ) -> None:
        self.arrays = arrays
        self._at_once = at_once
        self._kept: dict[tuple[str, bool], I8] = {}
        self.spans = spans
        self.by = by
        self.sold_from = sold_from
        self.factor = np.stack([factor[..., end - 1] for _, end in spans], axis=-1)[..., None]
        self.months = np.array([end - begin for begin, end in spans], dtype=float)[None, :, None]

    def _group(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.sum(axis=2, keepdims=True) if self.by == "all" else values

    def _sum(self, values: NDArray[Any]) -> F8:
        parts = [self._group(values[:, begin:end].sum(axis=1, keepdims=True)) for begin, end in self.spans]
        return np.concatenate(parts, axis=1).astype(float)

    def _last(self, values: NDArray[Any]) -> F8:
        parts = [self._group(values[:, end - 1 : end]) for _, end in self.spans]
        return np.concatenate(parts, axis=1).astype(float)

    def _count(self, name: str, code: int, at_end: bool = False) -> F8:
        """Return whole numbers of one code, summed over each span or of its last month."""
        # the first of the stocks are those before the first month
        of_months = self.arrays.stocks[:, 1:] if name == "stocks" else getattr(self.arrays, name)
        if not self._at_once:
            return self._last(of_months[..., code]) if at_end else self._sum(of_months[..., code])
        if (name, at_end) not in self._kept:
            over = (1, 2) if self.by == "all" else (1,)
            parts = [
                of_months[:, end - 1 if at_end else begin : end].sum(axis=over) for begin, end in self.spans
            ]
            every = np.stack(parts, axis=1)
            self._kept[name, at_end] = every[:, :, None] if self.by == "all" else every
        return self._kept[name, at_end][..., code].astype(float)

    def tally(self, code: int) -> F8:
        """Return a tally summed over each span."""
        return self._count("tallies", code)

    def tally_at_end(self, code: int) -> F8:
        """Return a tally of each span's last month."""
        return self._count("tallies", code, at_end=True)

    def gauge(self, code: int) -> F8:
        """Return a gauge summed over each span."""
        return self._sum(self.arrays.gauges[..., code])

    def gauge_at_end(self, code: int) -> F8:
        """Return a gauge of each span's last month."""
        return self._last(self.arrays.gauges[..., code])

    def flow(self, code: int) -> F8:
        """Return francs moved in each span."""
        return self._count("flows", code)

    def behind_close(self, values: NDArray[Any]) -> F8:
        """Return sums over the months in which cover that includes a span's last month was sold."""
        parts = [
            self._group(values[:, self.sold_from[end - 1] : end].sum(axis=1, keepdims=True))
            for _, end in self.spans
        ]
        return np.concatenate(parts, axis=1).astype(float)

    def stock_at_end(self, code: int) -> F8:
        """Return a stock at the end of each span."""
        return self._count("stocks", code, at_end=True)


def _ratio(top: NDArray[Any], bottom: NDArray[Any]) -> F8:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bottom > 0, top / bottom, np.nan), dtype=float)


class Variable(NamedTuple):
    """One column of the results: how it is computed from the cells."""

    unit: str
    about: str
    value: Callable[[Cells], F8]
    scaled: bool = False  # counted in people or francs: multiplied by the sample's weight


def _at_end(top: int, bottom: int) -> Callable[[Cells], F8]:
    return lambda c: _ratio(c.tally_at_end(top), c.tally_at_end(bottom))


def _over_time(top: int, bottom: int) -> Callable[[Cells], F8]:
    return lambda c: _ratio(c.tally(top), c.tally(bottom))


def _per_person_year(*tops: int) -> Callable[[Cells], F8]:
    return lambda c: (
        12.0 * _ratio(sum((c.tally(top) for top in tops), start=np.zeros(1)), c.tally(codes.PERSON_MONTHS))
    )


def _gauge_mean(code: int) -> Callable[[Cells], F8]:
    return lambda c: _ratio(c.gauge(code), c.tally(codes.PERSONS))


def _expected_forgone(code: int) -> Callable[[Cells], F8]:
    # each household is asked once a year, in its anniversary month, for the whole year
    return lambda c: 12.0 * _ratio(c.gauge(code), c.tally(codes.PERSON_MONTHS))


def _flow_total(*kinds: int) -> Callable[[Cells], F8]:
    return lambda c: sum((c.flow(kind) for kind in kinds), start=np.zeros(1))


def _stock_total(*kinds: int) -> Callable[[Cells], F8]:
    return lambda c: sum((c.stock_at_end(kind) for kind in kinds), start=np.zeros(1))


def _difference_of_shares(part: F8, whole: F8, all_parts: F8, everybody: F8) -> F8:
    """Return part / whole less the same among everybody else."""
    return np.asarray(_ratio(part, whole) - _ratio(all_parts - part, everybody - whole))


def _expected_coverage(c: Cells) -> F8:
    # enrolments behind the policies of the close, less their expectation before the taste of the year was
    # drawn: pure chance with mean zero, taken off the counted share
    luck = c.behind_close(c.arrays.tallies[..., codes.PERSONS_ENROLLED]) - c.behind_close(
        c.arrays.gauges[..., codes.GAUGE_EXPECTED_ENROLLED]
    )
    return _ratio(c.tally_at_end(codes.PAID) - luck, c.tally_at_end(codes.PERSONS))


def _administrative(c: Cells) -> F8:
    return np.minimum(1.0, c.factor * _at_end(codes.PAID, codes.PERSONS)(c))


def _any_insurance(c: Cells) -> F8:
    covered = c.tally_at_end(codes.PAID) + c.tally_at_end(codes.PERSONS_FORMAL)
    return _ratio(covered, c.tally_at_end(codes.PERSONS))


def _any_administrative(c: Cells) -> F8:
    return np.minimum(1.0, _administrative(c) + _at_end(codes.PERSONS_FORMAL, codes.PERSONS)(c))


def _uninsured_visits(c: Cells) -> F8:
    others = c.tally(codes.PERSON_MONTHS) - c.tally(codes.INSURED) - c.tally(codes.FORMAL_MONTHS)
    return 12.0 * _ratio(c.tally(codes.VISITS_UNINSURED) - c.tally(codes.VISITS_REFUSED), others)


def _out_of_pocket(c: Cells) -> F8:
    return 12.0 * _ratio(_flow_total(*_OUT_OF_POCKET)(c), c.tally(codes.PERSON_MONTHS))


def _approved(c: Cells) -> F8:
    return (
        c.tally(codes.CLAIMS_APPROVED_SECTION)
        + c.tally(codes.CLAIMS_APPROVED_SECTION_HOSPITAL)
        + c.tally(codes.CLAIMS_APPROVED_POOL)
    )


def _paid_by_others(c: Cells) -> F8:
    billed = c.tally(codes.BILLED_HEALTH_CENTRE) + c.tally(codes.BILLED_HOSPITAL)
    for no_care in (codes.CAPITATION_BILLED, codes.GHOST_RWF, codes.INFLATED_RWF):
        billed = billed - c.tally(no_care)
    return 12.0 * _ratio(billed - _flow_total(*_OUT_OF_POCKET)(c), c.tally(codes.PERSON_MONTHS))


_VISITS = (codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL)
_FORGONE = (codes.FORGONE_UNSOUGHT, codes.FORGONE_CAPACITY, codes.FORGONE_REFUSED, codes.FORGONE_CASH)
_CONTRIBUTIONS = (codes.CONTRIBUTION, codes.GROUP_CONTRIBUTION)
# a cross-subsidy out of the pools moves money within the scheme
_SUBSIDIES = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO)
_SPONSORED = (*_SUBSIDIES, codes.SUBSIDY_POOL)
_OUT_OF_POCKET = (
    codes.COPAYMENT_HEALTH_CENTRE,
    codes.COPAYMENT_HOSPITAL,
    codes.FEE_HEALTH_CENTRE,
    codes.FEE_HOSPITAL,
)
_CLAIMS = (
    codes.CLAIMS_OUTPATIENT,
    codes.CLAIMS_OUTPATIENT_POOL,
    codes.CLAIMS_HOSPITAL,
    codes.CLAIMS_HOSPITAL_SECTION,
)
_INCOME = (
    *_CONTRIBUTIONS,
    *_SUBSIDIES,
    codes.POOL_GRANT,
    codes.POOL_GRANT_DONOR,
    codes.LEVY,
    codes.REINSURANCE_RECOVERY,
)
_OTHER_EXPENSES = (
    codes.ADMINISTRATION,
    codes.AUDIT,
    codes.EMBEZZLEMENT,
    codes.REINSURANCE_PREMIUM,
)
_EXPENSES = (*_CLAIMS, *_OTHER_EXPENSES)
_PER_YEAR = "per person per year"

VARIABLES: dict[str, Variable] = {
    "coverage_end_share": Variable(
        "share", "people paid up at the close", _at_end(codes.PAID, codes.PERSONS)
    ),
    "coverage_end_expected_share": Variable(
        "share",
        "expected people paid up at the close: the lottery of yearly tastes averaged out",
        _expected_coverage,
    ),
    "coverage_share": Variable(
        "share", "insured person-months over person-months", _over_time(codes.INSURED, codes.PERSON_MONTHS)
    ),
    "coverage_administrative_share": Variable(
        "share", "people paid up as administration counts them", _administrative
    ),
    "coverage_where_open_share": Variable(
        "share", "people paid up over people with an open scheme", _at_end(codes.PAID, codes.PERSONS_OPEN)
    ),
    "any_insurance_share": Variable("share", "people paid up or in a formal scheme", _any_insurance),
    "any_insurance_administrative_share": Variable(
        "share", "the same as administration counts it", _any_administrative
    ),
    "schemes_open_share": Variable(
        "share", "people with an open scheme", _at_end(codes.PERSONS_OPEN, codes.PERSONS)
    ),
    "formal_share": Variable(
        "share", "people in formal schemes", _at_end(codes.PERSONS_FORMAL, codes.PERSONS)
    ),
    "coverage_women_share": Variable(
        "share", "women paid up at the close of a year", _at_end(codes.WOMEN_INSURED, codes.WOMEN)
    ),
    "visits_per_person_year": Variable("visits " + _PER_YEAR, "curative visits", _per_person_year(*_VISITS)),
    "visits_insured_per_person_year": Variable(
        "visits " + _PER_YEAR,
        "visits of members with benefits, those included whose cover was not honoured",
        lambda c: (
            12.0
            * _ratio(c.tally(codes.VISITS_INSURED) + c.tally(codes.VISITS_REFUSED), c.tally(codes.INSURED))
        ),
    ),
    "visits_uninsured_per_person_year": Variable(
        "visits " + _PER_YEAR, "visits of people without any cover", _uninsured_visits
    ),
    "admissions_per_person_year": Variable(
        "admissions " + _PER_YEAR, "hospital admissions", _per_person_year(codes.ADMISSIONS)
    ),
    "episodes_per_person_year": Variable(
        "episodes " + _PER_YEAR, "perceived episodes", _per_person_year(codes.EPISODES)
    ),
    "care_sought_share": Variable(
        "share", "episodes in which care is sought", _over_time(codes.CONTACTS_WANTED, codes.EPISODES)
    ),
    "forgone_care_per_person_year": Variable(
        "episodes " + _PER_YEAR, "episodes without care, for any reason", _per_person_year(*_FORGONE)
    ),
    "forgone_capacity_per_person_year": Variable(
        "contacts " + _PER_YEAR, "turned away for want of capacity", _per_person_year(codes.FORGONE_CAPACITY)
    ),
    "forgone_refused_per_person_year": Variable(
        "contacts " + _PER_YEAR, "members turned away over arrears", _per_person_year(codes.FORGONE_REFUSED)
    ),
    "forgone_cash_per_person_year": Variable(
        "contacts " + _PER_YEAR, "given up for want of cash and credit", _per_person_year(codes.FORGONE_CASH)
    ),
    "forgone_price_per_person_year": Variable(
        "episodes " + _PER_YEAR,
        "expected: not sought over the price",
        _expected_forgone(codes.GAUGE_FORGONE_PRICE),
    ),
    "forgone_distance_per_person_year": Variable(
        "episodes " + _PER_YEAR,
        "expected: not sought over the distance",
        _expected_forgone(codes.GAUGE_FORGONE_DISTANCE),
    ),
    "forgone_service_per_person_year": Variable(
        "episodes " + _PER_YEAR,
        "expected: not sought over waiting and quality",
        _expected_forgone(codes.GAUGE_FORGONE_SERVICE),
    ),
    "forgone_no_felt_need_per_person_year": Variable(
        "episodes " + _PER_YEAR,
        "expected: not sought even if free, near and good",
        _expected_forgone(codes.GAUGE_FORGONE_NO_NEED),
    ),
    "renewal_share": Variable(
        "share", "households paid up again a year later", _over_time(codes.RENEWALS, codes.RENEWALS_DUE)
    ),
    "lapse_unaffordable_share": Variable(
        "share",
        "due to renew, wished to, could not pay",
        _over_time(codes.LAPSE_UNAFFORDABLE, codes.RENEWALS_DUE),
    ),
    "lapse_unwilling_share": Variable(
        "share", "due to renew, did not wish to", _over_time(codes.LAPSE_UNWILLING, codes.RENEWALS_DUE)
    ),
    "lapse_inattentive_share": Variable(
        "share", "due to renew, did not act in time", _over_time(codes.LAPSE_INATTENTIVE, codes.RENEWALS_DUE)
    ),
    "lapse_subsidy_lost_share": Variable(
        "share", "due to renew, lost their slot", _over_time(codes.LAPSE_SUBSIDY_LOST, codes.RENEWALS_DUE)
    ),
    "subsidised_share": Variable("share", "people with a subsidy slot", _at_end(codes.SLOTS, codes.PERSONS)),
    "subsidised_paid_share": Variable(
        "share",
        "people with a slot whose policy was paid for by others, in whole or in part",
        _at_end(codes.SUBSIDISED_PAID, codes.PERSONS),
    ),
    "exclusion_error_share": Variable(
        "share",
        "truly poorest without a slot",
        lambda c: np.where(
            c.tally_at_end(codes.SLOTS) > 0,
            1.0 - _ratio(c.tally_at_end(codes.POOR_SLOTS), c.tally_at_end(codes.POOR)),
            np.nan,
        ),
    ),
    "inclusion_error_share": Variable(
        "share",
        "slots of people who are not the truly poorest",
        lambda c: 1.0 - _ratio(c.tally_at_end(codes.POOR_SLOTS), c.tally_at_end(codes.SLOTS)),
    ),
    "catastrophic_share": Variable(
        "share",
        "people in households that paid over 10 % of consumption for care in a year",
        _over_time(codes.CATASTROPHIC, codes.AT_ANNIVERSARY),
    ),
    "catastrophic_25_share": Variable(
        "share",
        "people in households that paid over 25 % of consumption for care in a year",
        _over_time(codes.CATASTROPHIC_25, codes.AT_ANNIVERSARY),
    ),
    "care_paid_by_others_rwf_per_person_year": Variable(
        "RWF " + _PER_YEAR,
        "what schemes and formal insurers are billed for care given, without capitation and fraud",
        _paid_by_others,
    ),
    "premiums_sponsored_rwf": Variable(
        "RWF",
        "premiums of slot holders paid by state, donors, NGOs and pools",
        _flow_total(*_SPONSORED),
        True,
    ),
    "out_of_pocket_rwf_per_person_year": Variable(
        "RWF " + _PER_YEAR, "out-of-pocket spending on care", _out_of_pocket
    ),
    "trust": Variable("0 to 1", "trust in the scheme", _gauge_mean(codes.GAUGE_TRUST)),
    "quality": Variable("0 to 1", "quality of care", _gauge_mean(codes.GAUGE_QUALITY)),
    "drug_stock": Variable("0 to 1", "drug stock", _gauge_mean(codes.GAUGE_STOCK)),
    "load": Variable("ratio", "contacts wanted over capacity, slow average", _gauge_mean(codes.GAUGE_LOAD)),
    "wait_hours": Variable("hours", "expected waiting", _gauge_mean(codes.GAUGE_WAIT)),
    "arrears_months": Variable(
        "months",
        "claims overdue: unpaid beyond processing, over monthly claims",
        _gauge_mean(codes.GAUGE_ARREARS),
    ),
    "clinicians_per_1000": Variable(
        "per 1,000 persons",
        "clinicians",
        lambda c: 1000.0 * _ratio(c.gauge(codes.GAUGE_CLINICIANS), c.tally(codes.PERSON_MONTHS)),
    ),
    "persons": Variable("persons", "people at the end", lambda c: c.tally_at_end(codes.PERSONS), True),
    "households": Variable(
        "households", "households at the end", lambda c: c.tally_at_end(codes.HOUSEHOLDS_ALIVE), True
    ),
    "household_size": Variable(
        "persons", "people per household", _at_end(codes.PERSONS, codes.HOUSEHOLDS_ALIVE)
    ),
    "births_per_1000": Variable(
        "per 1,000 per year",
        "births",
        lambda c: 12_000.0 * _ratio(c.tally(codes.BIRTHS), c.tally(codes.PERSON_MONTHS)),
    ),
    "deaths_per_1000": Variable(
        "per 1,000 per year",
        "deaths",
        lambda c: 12_000.0 * _ratio(c.tally(codes.DEATHS), c.tally(codes.PERSON_MONTHS)),
    ),
    "contributions_rwf": Variable(
        "RWF",
        "premiums paid by households, themselves or through their association's savings",
        _flow_total(*_CONTRIBUTIONS),
        True,
    ),
    "subsidies_rwf": Variable(
        "RWF", "premiums paid by state, donors and NGOs", _flow_total(*_SUBSIDIES), True
    ),
    "claims_paid_rwf": Variable("RWF", "claims paid by funds and pools", _flow_total(*_CLAIMS), True),
    "claims_approved_rwf": Variable(
        "RWF",
        "claims approved",
        _approved,
        True,
    ),
    "administration_rwf": Variable("RWF", "administrative cost", _flow_total(codes.ADMINISTRATION), True),
    "gate_refusals": Variable(
        "events", "services refused to non-members", lambda c: c.tally(codes.GATE_REFUSALS), True
    ),
    "penalties": Variable("events", "fines", lambda c: c.tally(codes.PENALTIES), True),
    "risk_premium_capped_share": Variable(
        "share",
        "decisions in which the cap on the risk premium bound",
        _over_time(codes.RISK_PREMIUM_CAPPED, codes.DECISIONS),
    ),
    "scheme_income_rwf": Variable(
        "RWF",
        "premiums of households and sponsors, grants, levies and what reinsurers pay",
        _flow_total(*_INCOME),
        True,
    ),
    "scheme_net_income_rwf": Variable(
        "RWF",
        "scheme income less claims paid, administration, audit, reinsurance and what disappears",
        lambda c: _flow_total(*_INCOME)(c) - _flow_total(*_EXPENSES)(c),
        True,
    ),
    "scheme_surplus_rwf": Variable(
        "RWF",
        "scheme income less claims approved, whether paid or not, and all other expenses",
        lambda c: _flow_total(*_INCOME)(c) - _approved(c) - _flow_total(*_OTHER_EXPENSES)(c),
        True,
    ),
    "refused_and_paid_per_person_year": Variable(
        "contacts " + _PER_YEAR,
        "members turned away over arrears who paid the fee",
        _per_person_year(codes.REFUSED_AND_PAID),
    ),
    "births_without_room": Variable(
        "events",
        "births left out because the household had no slot",
        lambda c: c.tally(codes.BIRTHS_WITHOUT_ROOM),
        True,
    ),
    "marriages_without_room": Variable(
        "events",
        "marriages left out because the section had no row",
        lambda c: c.tally(codes.MARRIAGES_WITHOUT_ROOM),
        True,
    ),
    "reserves_rwf": Variable(
        "RWF",
        "money of section funds, pools and the national pool at the end",
        lambda c: _stock_total(codes.SECTION_FUNDS, codes.POOLS, codes.NATIONAL_POOL)(c),
        True,
    ),
    "arrears_rwf": Variable(
        "RWF",
        "claims approved and not paid at the end",
        _stock_total(
            codes.STOCK_PAYABLES_SECTION, codes.STOCK_PAYABLES_SECTION_HOSPITAL, codes.STOCK_PAYABLES_POOL
        ),
        True,
    ),
    "household_cash_rwf": Variable(
        "RWF", "households' cash at the end", lambda c: c.stock_at_end(codes.HOUSEHOLDS), True
    ),
    "household_debt_rwf": Variable(
        "RWF", "households' informal debt at the end", lambda c: c.stock_at_end(codes.STOCK_DEBT), True
    ),
    "loans": Variable("loans", "premium loans granted", lambda c: c.tally(codes.LOANS), True),
    "loans_rwf": Variable("RWF", "premium loans granted", _flow_total(codes.LOAN), True),
    "loans_outstanding_rwf": Variable(
        "RWF", "principal that households owe lenders at the end", _stock_total(codes.STOCK_LOANS), True
    ),
    "loans_refused_share": Variable(
        "share",
        "applications for a loan that the lender could not meet",
        lambda c: _ratio(c.tally(codes.LOANS_REFUSED), c.tally(codes.LOANS_REFUSED) + c.tally(codes.LOANS)),
    ),
    "loans_late_share": Variable(
        "share",
        "months in which a borrower had something overdue",
        _over_time(codes.LOAN_MONTHS_LATE, codes.LOAN_MONTHS),
    ),
    "loan_defaults_per_loan_year": Variable(
        "per loan and year",
        "defaults over years of running loans",
        lambda c: 12.0 * _ratio(c.tally(codes.LOAN_DEFAULTS), c.tally(codes.LOAN_MONTHS)),
    ),
    "loan_defaults_insured_per_loan_year": Variable(
        "per loan and year",
        "the same among households with benefits",
        lambda c: 12.0 * _ratio(c.tally(codes.LOAN_DEFAULTS_INSURED), c.tally(codes.LOAN_MONTHS_INSURED)),
    ),
    "loan_defaults_uninsured_per_loan_year": Variable(
        "per loan and year",
        "the same among households without",
        lambda c: (
            12.0
            * _ratio(
                c.tally(codes.LOAN_DEFAULTS) - c.tally(codes.LOAN_DEFAULTS_INSURED),
                c.tally(codes.LOAN_MONTHS) - c.tally(codes.LOAN_MONTHS_INSURED),
            )
        ),
    ),
    "loans_written_off_rwf": Variable(
        "RWF", "principal written off", lambda c: c.tally(codes.LOAN_WRITTEN_OFF), True
    ),
    "lender_equity_rwf": Variable(
        "RWF",
        "lenders' money and loans less deposits and borrowing at the end",
        lambda c: (
            _stock_total(codes.LENDERS, codes.STOCK_LOANS)(c)
            - _stock_total(codes.STOCK_GROUP_DEPOSITS, codes.STOCK_LENDER_BORROWING)(c)
        ),
        True,
    ),
    "group_savings_rwf": Variable(
        "RWF",
        "associations' savings at the end, in the box and at the lender",
        _stock_total(codes.GROUPS, codes.STOCK_GROUP_DEPOSITS),
        True,
    ),
    "enrolled_by_loan": Variable(
        "persons", "people enrolled by a loan", lambda c: c.tally(codes.PERSONS_BY_LOAN), True
    ),
    "enrolled_by_group": Variable(
        "persons",
        "people enrolled by their association's savings",
        lambda c: c.tally(codes.PERSONS_BY_GROUP),
        True,
    ),
    "enrolled_by_cash_share": Variable(
        "share", "people enrolled by own cash", _over_time(codes.PERSONS_BY_CASH, codes.PERSONS_ENROLLED)
    ),
    "enrolled_by_loan_share": Variable(
        "share", "people enrolled by a loan", _over_time(codes.PERSONS_BY_LOAN, codes.PERSONS_ENROLLED)
    ),
    "enrolled_by_group_share": Variable(
        "share",
        "people enrolled by their association's savings",
        _over_time(codes.PERSONS_BY_GROUP, codes.PERSONS_ENROLLED),
    ),
    "enrolled_by_subsidy_share": Variable(
        "share",
        "people enrolled by a subsidy that paid all",
        _over_time(codes.PERSONS_BY_SUBSIDY, codes.PERSONS_ENROLLED),
    ),
    "group_votes_passed_share": Variable(
        "share", "votes on cover that passed", _over_time(codes.GROUP_VOTES_PASSED, codes.GROUP_VOTES)
    ),
    "slots_to_poorest_40_share": Variable(
        "share",
        "subsidy slots held by the poorest two fifths",
        _at_end(codes.BOTTOM40_SLOTS, codes.SLOTS),
    ),
    "targeting_cgh_ratio": Variable(
        "ratio",
        "share of slots of the poorest two fifths over 0.4 (Coady, Grosh and Hoddinott)",
        lambda c: _at_end(codes.BOTTOM40_SLOTS, codes.SLOTS)(c) / 0.4,
    ),
    "targeting_differential_share": Variable(
        "share",
        "coverage of the truly poorest by slots less that of all others",
        lambda c: _difference_of_shares(
            c.tally_at_end(codes.POOR_SLOTS),
            c.tally_at_end(codes.POOR),
            c.tally_at_end(codes.SLOTS),
            c.tally_at_end(codes.PERSONS),
        ),
    ),
    "visits_elsewhere_per_person_year": Variable(
        "contacts " + _PER_YEAR,
        "members' contacts at another health centre of the district",
        _per_person_year(codes.VISITS_ELSEWHERE),
    ),
    "induced_rwf": Variable(
        "RWF", "items that providers add to bills", lambda c: c.tally(codes.INDUCED_RWF), True
    ),
    "claims_rejected_rwf": Variable(
        "RWF", "claims rejected by audit", lambda c: c.tally(codes.CLAIMS_REJECTED_SECTION), True
    ),
    "fraud_rwf": Variable(
        "RWF",
        "bills invented or inflated, before audit",
        lambda c: c.tally(codes.GHOST_RWF) + c.tally(codes.INFLATED_RWF),
        True,
    ),
    "embezzled_rwf": Variable("RWF", "premiums that disappeared", _flow_total(codes.EMBEZZLEMENT), True),
    "provider_effort": Variable("0 to 1", "effort of health centres' staff", _gauge_mean(codes.GAUGE_EFFORT)),
    "admin_capacity": Variable(
        "0 to 1", "administrative capacity of schemes", _gauge_mean(codes.GAUGE_ADMIN_CAPACITY)
    ),
    "premium_factor": Variable(
        "ratio", "premiums relative to the schedule", _gauge_mean(codes.GAUGE_PREMIUM_FACTOR)
    ),
    "sections_merged": Variable(
        "simulated sections",
        "schemes handed over to the district's pool",
        lambda c: c.tally(codes.SECTIONS_MERGED),
    ),
    "donor_money_rwf": Variable(
        "RWF",
        "donors' money for premiums, pools, providers, the health budget and assistance",
        _flow_total(*codes.PAID_BY_DONORS),
        True,
    ),
    "state_money_rwf": Variable(
        "RWF",
        "the state's money for premiums, pools, bail-outs, providers and salaries",
        _flow_total(*codes.PAID_BY_GOVERNMENT),
        True,
    ),
}

# read once a reporting year, so without a monthly value
YEARLY_ONLY = frozenset(
    {"coverage_women_share", "renewal_share"} | {n for n in VARIABLES if n.startswith("lapse_")}
)
