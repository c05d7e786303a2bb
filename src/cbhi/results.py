"""What a run leaves: integer arrays inside, tidy frames outside."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.records import F8, I8
from cbhi.months import format_month
from cbhi.observation import administrative_factor
from cbhi.packing import first_month_of_sale
from cbhi.scenarios import Scenario, suggest

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("scenario", "param_set", "replicate", "period", "group", "variable", "value", "unit")
Every = Literal["year", "month", "both"]
By = Literal["all", "district", "quintile"]


class Arrays(NamedTuple):
    """Everything a run wrote. R replicates, T months, D districts, P reporting years."""

    flows: I8  # (R, T, D, flows) francs moved, at the scale of the sample
    stocks: I8  # (R, T + 1, D, stocks), the first entry before the first month
    tallies: I8  # (R, T, D, tallies)
    gauges: F8  # (R, T, D, gauges)
    quintiles: I8  # (R, P, 5, quintile tallies)
    opening_people: I8  # (R, D, 2): persons and households before the first month
    districts: I8  # (D,) the country's numbers of the districts
    replicates: I8  # (R,) their numbers


class _Cells:
    """Sums of what was written, with one leading shape (replicates, periods, groups)."""

    def __init__(
        self, arrays: Arrays, spans: list[tuple[int, int]], by: By, factor: F8, sold_from: I8
    ) -> None:
        self.arrays = arrays
        self.spans = spans
        self.by = by
        self.sold_from = sold_from
        self.factor = np.array([factor[end - 1] for _, end in spans])[None, :, None]
        self.months = np.array([end - begin for begin, end in spans], dtype=float)[None, :, None]

    def _group(self, values: NDArray[Any]) -> NDArray[Any]:
        return values.sum(axis=2, keepdims=True) if self.by == "all" else values

    def _sum(self, values: NDArray[Any]) -> F8:
        parts = [self._group(values[:, begin:end].sum(axis=1, keepdims=True)) for begin, end in self.spans]
        return np.concatenate(parts, axis=1).astype(float)

    def _last(self, values: NDArray[Any]) -> F8:
        parts = [self._group(values[:, end - 1 : end]) for _, end in self.spans]
        return np.concatenate(parts, axis=1).astype(float)

    def tally(self, code: int) -> F8:
        return self._sum(self.arrays.tallies[..., code])

    def tally_at_end(self, code: int) -> F8:
        return self._last(self.arrays.tallies[..., code])

    def gauge(self, code: int) -> F8:
        return self._sum(self.arrays.gauges[..., code])

    def gauge_at_end(self, code: int) -> F8:
        return self._last(self.arrays.gauges[..., code])

    def flow(self, code: int) -> F8:
        return self._sum(self.arrays.flows[..., code])

    def behind_close(self, values: NDArray[Any]) -> F8:
        """Return sums over the months in which cover that includes a span's last month was sold."""
        parts = [
            self._group(values[:, self.sold_from[end - 1] : end].sum(axis=1, keepdims=True))
            for _, end in self.spans
        ]
        return np.concatenate(parts, axis=1).astype(float)

    def stock_at_end(self, code: int) -> F8:
        return self._last(self.arrays.stocks[:, 1:, :, code])


def _ratio(top: NDArray[Any], bottom: NDArray[Any]) -> F8:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(bottom > 0, top / bottom, np.nan), dtype=float)


class Variable(NamedTuple):
    """One column of the results: how it is computed from the cells."""

    unit: str
    about: str
    value: Callable[[_Cells], F8]
    scaled: bool = False  # counted in people or francs: multiplied by the sample's weight


def _at_end(top: int, bottom: int) -> Callable[[_Cells], F8]:
    return lambda c: _ratio(c.tally_at_end(top), c.tally_at_end(bottom))


def _over_time(top: int, bottom: int) -> Callable[[_Cells], F8]:
    return lambda c: _ratio(c.tally(top), c.tally(bottom))


def _per_person_year(*tops: int) -> Callable[[_Cells], F8]:
    return lambda c: (
        12.0 * _ratio(sum((c.tally(top) for top in tops), start=np.zeros(1)), c.tally(codes.PERSONS))
    )


def _gauge_mean(code: int) -> Callable[[_Cells], F8]:
    return lambda c: _ratio(c.gauge(code), c.tally(codes.PERSONS))


def _expected_forgone(code: int) -> Callable[[_Cells], F8]:
    # each household is asked once a year, in its anniversary month, for the whole year
    return lambda c: 12.0 * _ratio(c.gauge(code), c.tally(codes.PERSONS))


def _flow_total(*kinds: int) -> Callable[[_Cells], F8]:
    return lambda c: sum((c.flow(kind) for kind in kinds), start=np.zeros(1))


def _expected_coverage(c: _Cells) -> F8:
    # enrolments behind the policies of the close, less their expectation before the taste of the year was
    # drawn: pure chance with mean zero, taken off the counted share
    luck = c.behind_close(c.arrays.tallies[..., codes.PERSONS_ENROLLED]) - c.behind_close(
        c.arrays.gauges[..., codes.GAUGE_EXPECTED_ENROLLED]
    )
    return _ratio(c.tally_at_end(codes.PAID) - luck, c.tally_at_end(codes.PERSONS))


def _administrative(c: _Cells) -> F8:
    return np.minimum(1.0, c.factor * _at_end(codes.PAID, codes.PERSONS)(c))


def _any_insurance(c: _Cells) -> F8:
    covered = c.tally_at_end(codes.PAID) + c.tally_at_end(codes.PERSONS_FORMAL)
    return _ratio(covered, c.tally_at_end(codes.PERSONS))


def _any_administrative(c: _Cells) -> F8:
    return np.minimum(1.0, _administrative(c) + _at_end(codes.PERSONS_FORMAL, codes.PERSONS)(c))


def _uninsured_visits(c: _Cells) -> F8:
    others = c.tally(codes.PERSONS) - c.tally(codes.INSURED) - c.tally(codes.PERSONS_FORMAL)
    return 12.0 * _ratio(c.tally(codes.VISITS_UNINSURED), others)


def _out_of_pocket(c: _Cells) -> F8:
    paid = _flow_total(
        codes.COPAYMENT_HEALTH_CENTRE, codes.COPAYMENT_HOSPITAL, codes.FEE_HEALTH_CENTRE, codes.FEE_HOSPITAL
    )(c)
    return 12.0 * _ratio(paid, c.tally(codes.PERSONS))


_VISITS = (codes.VISITS_INSURED, codes.VISITS_UNINSURED, codes.VISITS_FORMAL)
_FORGONE = (codes.FORGONE_UNSOUGHT, codes.FORGONE_CAPACITY, codes.FORGONE_REFUSED, codes.FORGONE_CASH)
_SUBSIDIES = (codes.SUBSIDY_STATE, codes.SUBSIDY_DONOR, codes.SUBSIDY_NGO)
_CLAIMS = (codes.CLAIMS_OUTPATIENT, codes.CLAIMS_OUTPATIENT_POOL, codes.CLAIMS_HOSPITAL)
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
        "share", "insured person-months over person-months", _over_time(codes.INSURED, codes.PERSONS)
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
        "visits of members with benefits",
        lambda c: 12.0 * _ratio(c.tally(codes.VISITS_INSURED), c.tally(codes.INSURED)),
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
        "share", "people with a slot and paid up", _at_end(codes.SUBSIDISED_PAID, codes.PERSONS)
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
        lambda c: 12.0 * _ratio(c.tally(codes.CATASTROPHIC), c.tally(codes.PERSONS)),
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
        lambda c: 1000.0 * _ratio(c.gauge(codes.GAUGE_CLINICIANS), c.tally(codes.PERSONS)),
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
        lambda c: 12_000.0 * _ratio(c.tally(codes.BIRTHS), c.tally(codes.PERSONS)),
    ),
    "deaths_per_1000": Variable(
        "per 1,000 per year",
        "deaths",
        lambda c: 12_000.0 * _ratio(c.tally(codes.DEATHS), c.tally(codes.PERSONS)),
    ),
    "contributions_rwf": Variable(
        "RWF", "premiums paid by households", _flow_total(codes.CONTRIBUTION), True
    ),
    "subsidies_rwf": Variable(
        "RWF", "premiums paid by state, donors and NGOs", _flow_total(*_SUBSIDIES), True
    ),
    "claims_paid_rwf": Variable("RWF", "claims paid by funds and pools", _flow_total(*_CLAIMS), True),
    "claims_approved_rwf": Variable(
        "RWF",
        "claims approved",
        lambda c: c.tally(codes.CLAIMS_APPROVED_SECTION) + c.tally(codes.CLAIMS_APPROVED_POOL),
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
        "premiums of households and sponsors, grants and levies",
        _flow_total(
            codes.CONTRIBUTION,
            codes.SUBSIDY_STATE,
            codes.SUBSIDY_DONOR,
            codes.SUBSIDY_NGO,
            codes.POOL_GRANT,
            codes.LEVY,
        ),
        True,
    ),
    "scheme_net_income_rwf": Variable(
        "RWF",
        "scheme income less claims paid and administration",
        lambda c: (
            _flow_total(codes.CONTRIBUTION, *_SUBSIDIES, codes.POOL_GRANT, codes.LEVY)(c)
            - _flow_total(*_CLAIMS, codes.ADMINISTRATION)(c)
        ),
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
        "money of section funds and pools at the end",
        lambda c: c.stock_at_end(codes.SECTION_FUNDS) + c.stock_at_end(codes.POOLS),
        True,
    ),
    "arrears_rwf": Variable(
        "RWF",
        "claims approved and not paid at the end",
        lambda c: c.stock_at_end(codes.STOCK_PAYABLES_SECTION) + c.stock_at_end(codes.STOCK_PAYABLES_POOL),
        True,
    ),
    "household_cash_rwf": Variable(
        "RWF", "households' cash at the end", lambda c: c.stock_at_end(codes.HOUSEHOLDS), True
    ),
    "household_debt_rwf": Variable(
        "RWF", "households' informal debt at the end", lambda c: c.stock_at_end(codes.STOCK_DEBT), True
    ),
}

# read once a reporting year, so without a monthly value
YEARLY_ONLY = frozenset(
    {"coverage_women_share", "renewal_share"} | {n for n in VARIABLES if n.startswith("lapse_")}
)

_BY_QUINTILE: dict[str, Callable[[I8], F8]] = {
    "coverage_end_share": lambda q: _ratio(q[..., codes.Q_PAID], q[..., codes.Q_PERSONS]),
    "any_insurance_share": lambda q: _ratio(
        q[..., codes.Q_PAID] + q[..., codes.Q_FORMAL], q[..., codes.Q_PERSONS]
    ),
    "formal_share": lambda q: _ratio(q[..., codes.Q_FORMAL], q[..., codes.Q_PERSONS]),
    "subsidised_share": lambda q: _ratio(q[..., codes.Q_SLOTS], q[..., codes.Q_PERSONS]),
    "visits_per_person_year": lambda q: _ratio(q[..., codes.Q_VISITS], q[..., codes.Q_PERSONS]),
    "contributions_rwf": lambda q: q[..., codes.Q_CONTRIBUTIONS].astype(float),
    "catastrophic_share": lambda q: _ratio(q[..., codes.Q_CATASTROPHIC], q[..., codes.Q_PERSONS]),
    "out_of_pocket_rwf_per_person_year": lambda q: _ratio(
        q[..., codes.Q_OUT_OF_POCKET], q[..., codes.Q_PERSONS]
    ),
}
# counted over the year, so divided by its length
_QUINTILE_RATES = frozenset(
    {"visits_per_person_year", "catastrophic_share", "out_of_pocket_rwf_per_person_year"}
)


@dataclass(frozen=True)
class Results:
    """The results of one scenario.

    Attributes
    ----------
    scenario
        What was run.
    arrays
        Integer and real arrays at the scale of the sample (``cbhi.results.Arrays``).
    periods
        Reporting years as (label, first month index, one past the last).
    year_ends
        Month indices that end a membership year.
    weight
        Real people per simulated one.
    households
        Households simulated at the start.
    seed
        Seed of the draws.
    """

    scenario: Scenario
    arrays: Arrays
    periods: tuple[tuple[str, int, int], ...]
    year_ends: tuple[int, ...]
    weight: float
    households: int
    seed: int

    def __repr__(self) -> str:
        """Return one line: what was run, how large, how often."""
        years = f"{self.periods[0][0]} to {self.periods[-1][0]}"
        size = f"{self.n_replicates} replicates of {self.households:,} households"
        return f"<Results of {self.scenario.name!r}: {size}, {years}, seed {self.seed}>"

    @property
    def n_replicates(self) -> int:
        """Number of replicates held."""
        return int(self.arrays.replicates.size)

    @functools.cached_property
    def _factor(self) -> F8:
        return administrative_factor(self.scenario)

    @functools.cached_property
    def _sold_from(self) -> I8:
        return first_month_of_sale(self.scenario)

    def _spans(self, every: Literal["year", "month"]) -> tuple[list[str], list[tuple[int, int]]]:
        if every == "year":
            return [label for label, _, _ in self.periods], [(b, e) for _, b, e in self.periods]
        n = self.scenario.n_months
        return (
            [format_month(self.scenario.start + t) for t in range(n)],
            [(t, t + 1) for t in range(n)],
        )

    def values(self, name: str, *, every: Literal["year", "month"] = "year", by: By = "all") -> F8:
        """Return one variable, shape (replicates, periods, groups).

        Parameters
        ----------
        name
            A name from ``cbhi.results.VARIABLES``.
        every
            By reporting year or by month.
        by
            ``"all"`` (one group), ``"district"``, or ``"quintile"`` of consumption (by year only).

        Raises
        ------
        ValueError
            For an unknown name (with the nearest one), or one that does not exist at that detail.
        """
        if name not in VARIABLES:
            raise ValueError(
                f"unknown variable '{name}'{suggest(name, VARIABLES)}; all names: cbhi.VARIABLES"
            )
        if every not in ("year", "month") or by not in ("all", "district", "quintile"):
            raise ValueError(
                f"every must be 'year' or 'month', by 'all', 'district' or 'quintile'; got {every!r}, {by!r}"
            )
        if by == "quintile":
            if name not in _BY_QUINTILE or every != "year":
                known = ", ".join(_BY_QUINTILE)
                raise ValueError(f"'{name}' by {every} is not kept by quintile; by year there are: {known}")
            values = _BY_QUINTILE[name](self.arrays.quintiles)
            if name in _QUINTILE_RATES:
                months = np.array([end - begin for _, begin, end in self.periods])
                values = values * (12.0 / months)[None, :, None]
            return values * self.weight if VARIABLES[name].scaled else values
        if every == "month" and name in YEARLY_ONLY:
            raise ValueError(f"'{name}' exists by year only")
        _, spans = self._spans(every)
        variable = VARIABLES[name]
        values = variable.value(_Cells(self.arrays, spans, by, self._factor, self._sold_from))
        return values * self.weight if variable.scaled else values

    def groups(self, by: By) -> list[str]:
        """Return the labels of the groups."""
        if by == "all":
            return ["all"]
        if by == "district":
            return [f"district {int(number) + 1}" for number in self.arrays.districts]
        return [f"quintile {q + 1}" for q in range(codes.QUINTILES)]

    def to_frame(self, name: str | None = None, *, every: Every = "both", by: By = "all") -> pd.DataFrame:
        """Return a tidy frame: scenario, param_set, replicate, period, group, variable, value, unit.

        Parameters
        ----------
        name
            One variable, or all of them.
        every
            Reporting years (``period`` is the year as text, "2003"), months ("2003-07"), or both, years
            first.
        by
            Groups: ``"all"`` for totals, ``"district"`` or ``"quintile"``.

        Raises
        ------
        ValueError
            For an unknown name, with the nearest one.
        """
        import pandas as pd

        if every not in ("year", "month", "both"):
            raise ValueError(f"every must be 'year', 'month' or 'both', got {every!r}")
        names = [name] if name is not None else list(_BY_QUINTILE if by == "quintile" else VARIABLES)
        wanted: list[Literal["year", "month"]] = ["year", "month"] if every == "both" else [every]
        columns: dict[str, list[NDArray[Any]]] = {name: [] for name in COLUMNS[2:]}
        for detail in wanted:
            if by == "quintile" and detail == "month" and every == "both":
                continue
            labels = np.array(self._spans(detail)[0], dtype=object)
            groups = np.array(self.groups(by), dtype=object)
            for variable in names:
                if detail == "month" and variable in YEARLY_ONLY and (every == "both" or name is None):
                    continue
                values = self.values(variable, every=detail, by=by)
                n_replicates, n_periods, n_groups = values.shape
                columns["replicate"].append(np.repeat(self.arrays.replicates, n_periods * n_groups))
                columns["period"].append(np.tile(np.repeat(labels, n_groups), n_replicates))
                columns["group"].append(np.tile(groups, n_replicates * n_periods))
                columns["variable"].append(np.full(values.size, variable, dtype=object))
                columns["value"].append(values.ravel())
                columns["unit"].append(np.full(values.size, VARIABLES[variable].unit, dtype=object))
        frame = pd.DataFrame({key: np.concatenate(parts) for key, parts in columns.items()})
        frame.insert(0, "scenario", self.scenario.name)
        frame.insert(1, "param_set", 0)
        return frame[list(COLUMNS)]

    def flows_frame(self) -> pd.DataFrame:
        """Return money moved by reporting year and kind: payer, payee, purpose, RWF at national scale."""
        import pandas as pd

        rows = []
        for label, begin, end in self.periods:
            totals = self.arrays.flows[:, begin:end].sum(axis=(1, 2))
            for i, replicate in enumerate(self.arrays.replicates):
                for kind, (flow, payer, payee, purpose) in enumerate(codes.FLOWS):
                    rows.append(
                        (
                            int(replicate), label, flow, codes.SECTORS[payer], codes.SECTORS[payee], purpose,
                            float(totals[i, kind]) * self.weight,
                        )
                    )  # fmt: skip
        columns = ["replicate", "period", "flow", "payer", "payee", "purpose", "value_rwf"]
        return pd.DataFrame(rows, columns=columns)

    def __add__(self, other: Results) -> Results:
        """Return the results of both: replicates of one scenario, size and seed, none of them twice."""
        if not isinstance(other, Results):
            return NotImplemented
        same = (
            self.scenario.fingerprint() == other.scenario.fingerprint()
            and self.households == other.households
            and self.seed == other.seed
        )
        if not same:
            raise ValueError("only replicates of one scenario, number of households and seed can be joined")
        if np.intersect1d(self.arrays.replicates, other.arrays.replicates).size:
            raise ValueError("the same replicate is in both results")
        joined = {
            field: np.concatenate([getattr(self.arrays, field), getattr(other.arrays, field)])
            for field in Arrays._fields
            if field != "districts"
        }
        order = np.argsort(joined["replicates"], kind="stable")
        arrays = Arrays(**{k: v[order] for k, v in joined.items()}, districts=self.arrays.districts)
        return dataclasses.replace(self, arrays=arrays)

    def save(self, directory: str | Path) -> Path:
        """Write tables, a run record and, with matplotlib, a picture; return the directory.

        Every file is written under a temporary name and renamed. See ``cbhi.saving``.
        """
        from cbhi.saving import save_results

        return save_results(self, Path(directory))
