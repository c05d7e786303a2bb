"""From a scenario to the arrays that kernels take: rules, calendar and fixed quantities.

Everything here is a function of the scenario alone; nothing is drawn.
"""

from __future__ import annotations

import bisect
import functools
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.kernels.draws import draw_key
from cbhi.kernels.records import F4, F8, I8, CalendarMonth, Fixed, Record, Rule, Table, record_table
from cbhi.months import parse_month
from cbhi.params import Parameters
from cbhi.populations import Population, bills_cv2
from cbhi.scenarios import Scenario

QUANTILES = 4096
# months packed after the end of a run: membership years on sale in its last months start and end there,
# so that a longer run has the same rules for the months that both share
LOOK_AHEAD = 36
I1 = NDArray[np.int8]
AnyArray = NDArray[Any]


def interpolate(series: Mapping[str, float], months: AnyArray) -> F8:
    """Return a series at (fractional) month numbers: linear in between, constant outside."""
    at = [parse_month(month) for month in series]
    return np.interp(months, at, [float(value) for value in series.values()])


def gini_to_log_sd(gini: F8) -> F8:
    """Return the sd of log consumption that gives a lognormal this Gini: sqrt(2) Phi^-1((1 + G) / 2)."""
    from scipy.special import ndtri

    return np.asarray(math.sqrt(2.0) * ndtri((1.0 + gini) / 2.0))


# tables are kept: a small run would spend a third of its time on them
@functools.lru_cache(maxsize=64)
def frailty_quantiles(variance: float) -> F4:
    """Return quantiles of a gamma distribution with mean 1 (all ones when the variance is 0)."""
    if variance <= 0.0:
        return np.ones(1, dtype=np.float32)
    from scipy.special import gammaincinv

    u = (np.arange(QUANTILES) + 0.5) / QUANTILES
    table = gammaincinv(1.0 / variance, u) * variance
    return np.asarray(table / table.mean(), dtype=np.float32)


@functools.lru_cache(maxsize=64)
def household_size_quantiles(mean: float, dispersion: float) -> I8:
    """Return quantiles of household size: one plus a negative binomial, cut at the slots there are."""
    u = (np.arange(QUANTILES) + 0.5) / QUANTILES
    if mean <= 1.0:
        return np.ones(QUANTILES, dtype=np.int64)
    p = dispersion / (dispersion + mean - 1.0)
    probability = p**dispersion
    cumulative = [probability]
    for n in range(1, codes.MEMBER_SLOTS):
        probability *= (dispersion + n - 1.0) / n * (1.0 - p)
        cumulative.append(cumulative[-1] + probability)
    return np.minimum(np.searchsorted(cumulative, u) + 1, codes.MEMBER_SLOTS).astype(np.int64)


def pack_fixed(
    scenario: Scenario,
    seed: int,
    replicate: int,
    watched_share: float = 0.0,
    population: Population | None = None,
) -> Fixed:
    """Return what cannot change within a run; ``watched_share`` of households are interviewed every year."""
    p = scenario.regimes()[0][1]
    between = math.sqrt(p.population.district_share_of_variance)
    within = math.sqrt(1.0 - p.population.district_share_of_variance)
    group_share = p.population.group_share if p.switches.groups else 0.0
    sizes, chances = (np.empty(0), np.empty(0)) if population is None else population.bills
    return Fixed(
        key=draw_key(seed, replicate),
        persistence=float(p.population.consumption_persistence),
        within_sd=within,
        between_sd=between,
        own_frailty=frailty_quantiles(p.population.own_frailty_variance).copy(),
        shared_frailty=frailty_quantiles(p.population.shared_frailty_variance).copy(),
        shared_frailty_variance=float(p.population.shared_frailty_variance),
        household_size=household_size_quantiles(
            p.population.household_size, p.population.household_size_dispersion
        ).copy(),
        need_by_age=np.array(
            [p.care.need_under_5, p.care.need_5_to_14, p.care.need_15_to_49, p.care.need_50_and_over]
        ),
        distance_median_km=float(p.population.distance_median_km),
        distance_log_sd=float(p.population.distance_log_sd),
        taste_sd=float(p.enrolment.taste_sd),
        trust_sd=float(p.enrolment.trust_offset_sd),
        group_share=float(group_share),
        faith_based_share=float(p.provider.faith_based_share),
        capacity_initial=float(p.donors.capacity_initial),
        group_block=max(1, round(p.population.group_size / max(group_share, 1e-9))) if group_share > 0 else 1,
        staffing_log_sd=float(p.provider.staffing_log_sd),
        trust_initial=float(p.trust.initial),
        heritage_share=float(p.trust.heritage_share),
        heritage_bonus=float(p.trust.heritage_bonus),
        enforcement_initial=float(p.mandate.initial_capacity),
        cost_cv2=math.exp(p.care.cost_log_sd**2) - 1.0 if sizes.size == 0 else bills_cv2(sizes, chances),
        bill_sizes=sizes,
        bill_chances=np.cumsum(chances),
        chronic_years=float(p.population.years_of_chronic_onset),
        watched_share=float(watched_share),
        coin_rwf=int(p.income.smallest_coin_rwf),
    )


class _Months:
    """The months of a run and those looked ahead to, the parameters in force, and arrays filled from them."""

    def __init__(self, scenario: Scenario) -> None:
        self.start = scenario.start
        self.n = scenario.n_months + LOOK_AHEAD
        self.now = np.arange(scenario.start, scenario.start + self.n)
        self.mid_year = (self.now // 12) * 12 + 6.0
        regimes = scenario.regimes(LOOK_AHEAD)
        ends = [month for month, _ in regimes[1:]] + [scenario.start + self.n]
        self.stretches = [
            (month - self.start, end - self.start, p) for (month, p), end in zip(regimes, ends, strict=True)
        ]
        self.lengths = np.array([end - begin for begin, end, _ in self.stretches])

    @property
    def year_began(self) -> I8:
        """The month index in which each month's membership year began, or the first of the run."""
        rolling = self.flag(lambda p: p.scheme.calendar == "rolling")
        first = np.where(rolling, 0, self.whole(lambda p: p.scheme.year_start_month - 1))
        begins = self.now % 12 == first
        begins[0] = True
        return np.asarray(np.maximum.accumulate(np.where(begins, np.arange(self.n), 0)))

    def real(self, value: Callable[[Parameters], float]) -> F8:
        values = np.array([value(p) for _, _, p in self.stretches], dtype=np.float64)
        return values.repeat(self.lengths)

    def whole(self, value: Callable[[Parameters], int]) -> I8:
        return self.real(value).astype(np.int64)

    def flag(self, value: Callable[[Parameters], bool]) -> I1:
        return self.real(value).astype(np.int8)

    def index(self, reference_year: Callable[[Parameters], int]) -> F8:
        """Return the price level of each year relative to a reference year, in yearly steps."""
        years = self.now // 12
        return np.asarray(
            (1.0 + self.real(lambda p: p.income.nominal_growth)) ** (years - self.real(reference_year))
        )

    def season(self, amplitude: Callable[[Parameters], float], peak: Callable[[Parameters], int]) -> F8:
        """Return a yearly wave around 1, highest in the peak month."""
        phase = 2.0 * math.pi * (self.now % 12 - (self.real(peak) - 1.0)) / 12.0
        return np.asarray(1.0 + self.real(amplitude) * np.cos(phase))


def donor_presence(scenario: Scenario, months: AnyArray) -> F8:
    """Return which part of their payments donors make in each month: 1, falling to 0 as they withdraw."""
    donors = scenario.regimes()[0][1].donors
    if donors.exit_month == "never":
        return np.ones(months.size)
    gone = np.asarray(months, dtype=float) - parse_month(donors.exit_month) + 1.0
    return np.asarray(np.clip(1.0 - gone / (donors.taper_months + 1.0), 0.0, 1.0))


def _fill(record: type[Record], rows: int, columns: Mapping[str, AnyArray]) -> Table:
    table = record_table(record, rows)
    known = set(record.__annotations__)
    if set(columns) != known:
        raise TypeError(f"columns of {record.__name__} differ: {set(columns) ^ known}")
    for name, values in columns.items():
        table[name] = values
    return table


def _subsidy_shares(m: _Months, present: F8) -> tuple[F8, F8, F8, F8]:
    """Return the parts of a subsidy that state, donors and pool bear, and the part of slots paid for.

    Donors commit themselves when the slots of a membership year are given out, and pay for these to its
    end. A part of each of their francs displaces one of the state's. What nobody pays leaves slots empty: the
    shares returned are of the slots that are filled.
    """
    present = present[m.year_began]
    donor = m.real(lambda p: p.subsidy.donor_share) * present
    state = np.maximum(
        0.0, m.real(lambda p: p.subsidy.state_share) - m.real(lambda p: p.donors.fungibility_share) * donor
    )
    pool = m.real(lambda p: p.subsidy.cross_subsidy_share)
    others = m.real(
        lambda p: max(
            0.0, 1.0 - p.subsidy.state_share - p.subsidy.donor_share - p.subsidy.cross_subsidy_share
        )
    )
    funded = state + donor + pool + others
    whole = np.maximum(funded, 1e-12)
    return state / whole, donor / whole, pool / whole, np.minimum(1.0, funded)


def _performance_shares(m: _Months, present: F8) -> tuple[F8, F8]:
    """Return donors' part of performance payments, and the part of them that is paid at all."""
    donor = m.real(lambda p: p.provider.performance_donor_share) * present
    paid = m.real(lambda p: 1.0 - p.provider.performance_donor_share) + donor
    return np.asarray(donor / np.maximum(paid, 1e-12)), np.asarray(paid)


def pack_rules(scenario: Scenario) -> Table:
    """Return the rules of every month and of those looked ahead to, ``Rule`` records, switches applied."""
    m = _Months(scenario)
    first = m.stretches[0][2]
    price = m.index(lambda p: p.income.reference_year)
    fee = m.index(lambda p: p.care.user_fee_year) * m.real(lambda p: p.care.user_fee_outpatient_rwf)
    cost_admission = price * m.real(lambda p: p.care.cost_admission_rwf)
    population = interpolate(first.population.persons, m.now.astype(float))
    grows = m.flag(lambda p: p.switches.supply_growth)
    clinicians = interpolate(first.provider.clinicians, m.now.astype(float))
    centres = interpolate(first.provider.health_centres, m.mid_year)
    # frozen supply: numbers of the start, for ever more people
    clinicians = np.where(grows, clinicians, clinicians[0])
    centres = np.where(grows, centres, centres[0])
    per_person = clinicians / population
    present = donor_presence(scenario, m.now) * m.real(lambda p: float(p.switches.donors))
    subsidy_state, subsidy_donor, subsidy_pool, funded = _subsidy_shares(m, present)
    has_groups = m.flag(lambda p: p.switches.groups)
    cost_outpatient = price * m.real(lambda p: p.care.cost_outpatient_rwf)
    last_centres = list(first.provider.health_centres.values())[-1]
    performance_donor, performance_paid = _performance_shares(m, present)
    fraud = m.real(lambda p: float(p.switches.fraud))
    by_household = m.flag(lambda p: p.scheme.premium_basis == "household")
    premium = np.empty((m.n, 3), dtype=np.int64)
    for begin, end, p in m.stretches:
        table = p.scheme.premium_rwf
        premium[begin:end] = (table.poorest, table.middle, table.rich)
        if p.scheme.premium_basis == "household":
            premium[begin:end] = p.scheme.household_premium_rwf
    columns: dict[str, AnyArray] = dict(
        premium_poorest_rwf=premium[:, codes.POOREST],
        premium_middle_rwf=premium[:, codes.MIDDLE],
        premium_rich_rwf=premium[:, codes.RICH],
        premium_by_household=by_household,
        household_covers=m.whole(lambda p: p.scheme.household_premium_covers),
        enrolment_unit=m.whole(
            lambda p: codes.ENROLMENT_UNITS.index(
                "household"
                if p.scheme.enrolment_unit == "group" and not p.switches.groups
                else p.scheme.enrolment_unit
            )
        ),
        premium_break_even=m.flag(lambda p: p.scheme.premium_rule == "break_even"),
        premium_loading=m.real(lambda p: p.scheme.premium_loading),
        premium_credibility=m.real(lambda p: p.scheme.premium_credibility_member_years),
        premium_cap=m.real(lambda p: p.scheme.premium_cap_share),
        premium_reserve_months=m.real(lambda p: p.scheme.premium_reserve_months),
        premium_deficit_share=m.real(lambda p: p.scheme.premium_deficit_share),
        premium_surplus_share=m.real(lambda p: p.scheme.premium_surplus_share),
        premium_veto_slope=m.real(lambda p: p.scheme.premium_veto_slope),
        persons_per_section=population / first.population.sections,
        sections_per_fund=m.real(
            lambda p: (
                first.population.sections
                / (1 if p.fund.national_pool else min(first.population.districts, first.population.sections))
                if p.fund.pool_pays_outpatient and p.switches.pooling
                else 1.0
            )
        ),
        portability_share=m.real(lambda p: p.scheme.portability_share),
        waiting_months=m.whole(lambda p: p.scheme.waiting_months if p.switches.waiting else 0),
        grace_months=m.whole(lambda p: p.scheme.grace_months),
        intercept=m.real(lambda p: p.enrolment.intercept),
        taste_scale=m.real(lambda p: p.enrolment.taste_of_year_scale),
        taste_is_uniform=m.flag(lambda p: p.enrolment.taste_of_year == "uniform"),
        price_slope=m.real(lambda p: p.enrolment.price_slope),
        income_gradient=m.real(lambda p: p.enrolment.income_gradient),
        peer_weight=m.real(lambda p: p.enrolment.peer_weight if p.switches.peers else 0.0),
        group_share_of_peers=m.real(lambda p: p.enrolment.group_share_of_peers),
        trust_weight=m.real(lambda p: p.enrolment.trust_weight if p.switches.trust else 0.0),
        quality_weight=m.real(lambda p: p.enrolment.quality_weight if p.switches.quality else 0.0),
        inertia=m.real(lambda p: p.enrolment.inertia if p.switches.inertia else 0.0),
        attention=m.real(lambda p: p.enrolment.attention_per_month),
        attention_before=m.real(
            lambda p: p.enrolment.attention_per_month * p.enrolment.attention_before_share
        ),
        hassle_rwf=price * m.real(lambda p: p.enrolment.hassle_rwf),
        private_information=m.real(
            lambda p: p.enrolment.private_information if p.switches.private_information else 0.0
        ),
        risk_aversion=m.real(lambda p: p.enrolment.risk_aversion if p.switches.risk_aversion else 0.0),
        risk_premium_cap=m.real(lambda p: p.enrolment.risk_premium_cap),
        access_value=m.real(lambda p: p.enrolment.access_value),
        cash_gate=m.flag(lambda p: p.switches.cash_gate),
        mobilisation_weight=m.real(
            lambda p: p.mandate.mobilisation_weight if p.switches.mobilisation else 0.0
        ),
        mobilisation_effort=m.real(
            lambda p: p.mandate.mobilisation_effort if p.switches.mobilisation else 0.0
        ),
        compulsory=m.flag(lambda p: p.mandate.compulsory and p.switches.mandate),
        enforcement_growth=m.real(lambda p: p.mandate.capacity_growth_per_year),
        enforcement_max=m.real(lambda p: p.mandate.enforcement_max),
        penalty_rwf=m.whole(lambda p: p.mandate.penalty_rwf),
        gate_probability=m.real(lambda p: p.mandate.gate_probability if p.switches.service_gate else 0.0),
        gate_cost_share=m.real(lambda p: p.mandate.gate_cost_share),
        subsidy_offered=m.flag(lambda p: p.subsidy.offered and p.switches.subsidies),
        subsidy_slots_share=m.real(lambda p: p.subsidy.slots_share),
        subsidy_premium_share=m.real(lambda p: p.subsidy.premium_share),
        subsidy_state_share=subsidy_state,
        subsidy_donor_share=subsidy_donor,
        subsidy_pool_share=subsidy_pool,
        subsidy_funded=funded,
        subsidy_state_budget_rwf=m.real(lambda p: p.subsidy.state_budget_rwf_per_person),
        targeting=m.whole(lambda p: codes.TARGETING.index(p.subsidy.targeting)),
        proxy_noise=m.real(
            lambda p: math.sqrt(1.0 / p.subsidy.proxy_r2 - 1.0) if p.switches.targeting_errors else 0.0
        ),
        # corr(g z + noise, z) = r with noise of variance 1  <=>  g = r / sqrt(1 - r^2)
        merit_gradient=m.real(
            lambda p: p.subsidy.merit_correlation / math.sqrt(1.0 - p.subsidy.merit_correlation**2)
        ),
        consultant_share=m.real(lambda p: p.subsidy.consultant_share),
        consultant_boost=m.real(lambda p: p.subsidy.consultant_boost),
        training=m.real(lambda p: p.subsidy.training),
        capture_share=m.real(lambda p: p.subsidy.capture_share if p.switches.targeting_errors else 0.0),
        elite_share=m.real(lambda p: p.subsidy.elite_share),
        elite_correlation=m.real(lambda p: p.subsidy.elite_correlation),
        list_trust_bonus=m.real(lambda p: p.subsidy.list_trust_bonus),
        subsidy_automatic=m.real(lambda p: p.subsidy.registration_per_month),
        # corr(z + noise, z) = r  <=>  sd of the noise = sqrt(1 / r^2 - 1)
        list_noise=m.real(
            lambda p: (
                math.sqrt(1.0 / p.subsidy.list_correlation**2 - 1.0) if p.switches.targeting_errors else 0.0
            )
        ),
        poorest_share=m.real(lambda p: p.subsidy.poorest_share),
        rich_share=m.real(lambda p: p.subsidy.rich_share),
        mean_consumption_rwf=price * m.real(lambda p: p.income.mean_consumption_rwf),
        consumption_sd=gini_to_log_sd(interpolate(first.income.gini, m.mid_year)),
        season=m.season(
            lambda p: p.income.season_amplitude if p.switches.season else 0.0,
            lambda p: p.income.season_peak_month,
        ),
        shock_sd=m.real(lambda p: p.income.shock_sd if p.switches.income_shocks else 0.0),
        harvest_sd=m.real(lambda p: p.income.harvest_log_sd if p.switches.common_shocks else 0.0),
        buffer_months=m.real(lambda p: p.income.buffer_months),
        consumption_share=m.real(lambda p: p.income.consumption_share),
        debt_cap_months=m.real(lambda p: p.income.debt_cap_months if p.switches.informal_debt else 0.0),
        repayment_share=m.real(lambda p: p.income.repayment_share),
        premium_saving_share=m.real(lambda p: p.income.premium_saving_share),
        need_rate=m.real(lambda p: p.care.need_per_person_year),
        illness_season=m.season(
            lambda p: p.care.season_amplitude if p.switches.season else 0.0,
            lambda p: p.care.season_peak_month,
        ),
        illness_sd=m.real(lambda p: p.care.epidemic_log_sd if p.switches.common_shocks else 0.0),
        chronic_factor=m.real(lambda p: p.care.chronic_factor if p.switches.chronic_illness else 1.0),
        severe_share=m.real(lambda p: p.care.severe_share),
        seek_intercept=m.real(lambda p: p.care.seek_intercept),
        seek_price=m.real(lambda p: p.care.seek_price),
        seek_distance=m.real(lambda p: p.care.seek_distance),
        seek_wait=m.real(lambda p: p.care.seek_wait if p.switches.queues else 0.0),
        seek_quality=m.real(lambda p: p.care.seek_quality if p.switches.quality else 0.0),
        seek_severity=m.real(lambda p: p.care.seek_severity),
        # with n facilities spread over a country, the mean distance falls as 1 / sqrt(n)
        distance_factor=np.sqrt(max(last_centres, 1.0) / np.maximum(centres, 1e-9)),
        fee_outpatient_rwf=fee,
        fee_admission_rwf=cost_admission * m.real(lambda p: p.care.user_fee_admission_share),
        cost_outpatient_rwf=cost_outpatient,
        cost_admission_rwf=cost_admission,
        copayment_rwf=m.whole(lambda p: p.care.copayment_rwf),
        # conditions last as long as donors do
        coinsurance_share=m.real(lambda p: p.care.coinsurance_share)
        * (1.0 - present * m.real(lambda p: p.donors.condition_hospital_share)),
        outpatient_coinsurance=present * m.real(lambda p: p.donors.condition_outpatient_share),
        formal_coinsurance_share=m.real(lambda p: p.formal.coinsurance_share),
        admission_if_severe=m.real(lambda p: p.care.admission_if_severe),
        cost_log_sd=m.real(lambda p: p.care.cost_log_sd),
        consultations_per_person=per_person
        * m.real(
            lambda p: (
                p.provider.curative_share * p.provider.consultations_per_hour * p.provider.hours_per_year
            )
        )
        / 12.0,
        clinicians_per_person=per_person,
        staff_adequacy=per_person * 1000.0 / m.real(lambda p: p.provider.adequate_clinicians_per_1000),
        staff_weight=m.real(lambda p: p.provider.staff_weight),
        load_memory=m.real(lambda p: p.provider.load_memory),
        wait_scale_hours=m.real(lambda p: p.provider.wait_scale_hours),
        refusal_slope=m.real(lambda p: p.fund.refusal_slope if p.switches.arrears_feedback else 0.0),
        running_cost_share=m.real(lambda p: p.provider.running_cost_share),
        payment=m.whole(lambda p: codes.PAYMENTS.index(p.provider.payment)),
        capitation_rwf=price * m.real(lambda p: p.provider.capitation_rwf) / 12.0,
        induced_share=m.real(lambda p: p.provider.induced_share),
        target_visits=m.real(lambda p: p.provider.target_visits_per_person) / 12.0,
        case_upcoding=m.real(lambda p: p.provider.case_upcoding_share * p.provider.case_upcoding_markup),
        capitation_effort_loss=m.real(lambda p: p.provider.capitation_effort_loss),
        capitation_referral=m.real(lambda p: p.provider.capitation_referral),
        tariff_discount=m.real(lambda p: p.provider.tariff_discount_share),
        tariff_half_size=m.real(lambda p: p.provider.tariff_half_size),
        members_training=m.real(lambda p: p.provider.members_training_share),
        drug_cost_rwf=cost_outpatient * m.real(lambda p: p.provider.drug_cost_share),
        drug_months=m.real(lambda p: p.provider.drug_stock_months),
        empty_shelves=m.flag(lambda p: p.switches.arrears_feedback),
        hire_share=m.real(lambda p: p.provider.hire_share) * grows,
        hire_years=m.real(lambda p: p.provider.hire_years),
        posting_response=m.real(lambda p: p.provider.posting_response) * grows,
        faith_based_posts=m.real(lambda p: p.provider.faith_based_posts),
        post_hazard=m.real(lambda p: p.provider.post_hazard) * grows,
        post_load=m.real(lambda p: p.provider.post_load),
        post_distance_km=m.real(lambda p: p.provider.post_distance_km),
        committed_share=m.real(lambda p: p.provider.committed_share),
        reserve_months=m.real(lambda p: p.provider.reserve_months),
        performance_rwf=price * m.real(lambda p: p.provider.performance_rwf) * performance_paid,
        performance_half_rwf=price * m.real(lambda p: p.provider.performance_half_rwf),
        performance_donor_share=performance_donor,
        effort_weight=m.real(lambda p: p.provider.effort_weight),
        effort_base=m.real(lambda p: p.provider.effort_base),
        effort_paid=m.real(lambda p: p.provider.effort_paid),
        effort_speed=m.real(lambda p: p.provider.effort_speed),
        salary_rwf=m.index(lambda p: p.provider.wage_year) * m.real(lambda p: p.provider.wage_rwf_per_month),
        rationing=m.flag(lambda p: p.switches.rationing),
        pool_share=m.real(lambda p: p.fund.pool_share if p.switches.pooling else 0.0),
        processing_share=m.real(lambda p: p.fund.processing_share),
        admin_share=m.real(lambda p: p.fund.administration_share),
        # a franc of donors' grant displaces a part of a franc of the state's
        pool_grant_rwf=np.maximum(
            0.0,
            m.real(lambda p: p.fund.pool_grant_rwf)
            - m.real(lambda p: p.donors.fungibility_share * p.donors.pool_grant_rwf) * present,
        ),
        pool_grant_donor_rwf=m.real(lambda p: p.donors.pool_grant_rwf) * present,
        deficit_rule=m.whole(lambda p: codes.DEFICIT_RULES.index(p.fund.deficit_rule)),
        arrears_limit_months=m.real(lambda p: p.fund.arrears_limit_months),
        pool_pays_outpatient=m.flag(lambda p: p.fund.pool_pays_outpatient and p.switches.pooling),
        national_pool=m.flag(lambda p: p.fund.national_pool and p.switches.pooling),
        sections_pay_hospital=m.flag(lambda p: not p.switches.pooling),
        national_share=m.real(lambda p: p.fund.national_share if p.switches.pooling else 0.0),
        equalisation_share=m.real(lambda p: p.fund.equalisation_share if p.switches.pooling else 0.0),
        quota_share=m.real(lambda p: p.fund.quota_share),
        stop_loss=m.flag(lambda p: p.fund.stop_loss),
        stop_loss_retention=m.real(lambda p: p.fund.stop_loss_retention),
        stop_loss_loading=m.real(lambda p: p.fund.stop_loss_loading),
        stop_loss_cv=m.real(lambda p: p.fund.stop_loss_cv),
        loans_offered=m.flag(lambda p: p.loans.offered),
        loans_to_members=m.flag(lambda p: p.loans.borrowers == "members"),
        joint_liability=m.flag(lambda p: p.loans.liability == "joint"),
        loan_months=m.whole(lambda p: p.loans.months),
        loan_interest=m.real(lambda p: p.loans.interest_share_per_year),
        loan_fee_share=m.real(lambda p: p.loans.fee_share),
        loan_default_share=m.real(lambda p: p.loans.default_share),
        loan_district_correlation=m.real(lambda p: p.loans.district_correlation),
        loan_group_correlation=m.real(lambda p: p.loans.group_correlation),
        loan_default_after=m.whole(lambda p: p.loans.default_after_months),
        loan_exclusion_months=m.whole(lambda p: p.loans.exclusion_months),
        loan_exclusion_value=m.real(lambda p: p.loans.exclusion_value_months),
        loan_social_sanction=m.real(lambda p: p.loans.social_sanction_months),
        loan_joint_cap=m.real(lambda p: p.loans.joint_cap),
        lender_equity_rwf=price * m.real(lambda p: p.loans.equity_rwf_per_person),
        lender_borrowing_limit=m.real(lambda p: p.loans.borrowing_limit),
        lender_capital_ratio=m.real(lambda p: p.loans.capital_ratio),
        lender_liquidity_share=m.real(lambda p: p.loans.liquidity_share),
        lender_deposit_interest=m.real(lambda p: p.loans.deposit_interest_share_per_year),
        lender_borrowing_interest=m.real(lambda p: p.loans.borrowing_interest_share_per_year),
        lender_operating_cost=m.real(lambda p: p.loans.operating_cost_per_year),
        group_savings=m.flag(lambda p: p.groups.savings) * has_groups,
        group_saving_rwf=price * m.real(lambda p: p.groups.weekly_rwf) * 52.0 / 12.0,
        group_pays_together=m.flag(lambda p: p.groups.pay_together),
        group_deposits=m.flag(lambda p: p.groups.deposits and p.loans.offered),
        group_minimum_share=m.real(lambda p: p.groups.minimum_share) * has_groups,
        group_vote_threshold=m.real(lambda p: p.groups.vote_threshold),
        group_required=m.flag(lambda p: p.groups.required) * has_groups,
        group_forming_size=m.whole(lambda p: p.groups.forming_size),
        group_meeting_hours=m.real(lambda p: p.groups.meeting_hours_per_month),
        card_lending=fraud * m.real(lambda p: p.fraud.card_lending_share),
        ghost_share=fraud * m.real(lambda p: p.fraud.ghost_share),
        billing_fraud_share=fraud * m.real(lambda p: p.fraud.billing_share),
        embezzled_share=fraud * m.real(lambda p: p.fraud.embezzled_share),
        honest_rejection=fraud * m.real(lambda p: p.fraud.honest_rejection_share),
        audit_hours=fraud * m.real(lambda p: p.fraud.audit_hours_per_1000_claims) / 1000.0,
        audit_effect=m.real(lambda p: p.fraud.audit_effect),
        audit_hour_rwf=price * m.real(lambda p: p.fraud.audit_hour_rwf),
        deterrence=m.real(lambda p: p.fraud.deterrence_share),
        blame_provider_share=m.real(lambda p: p.fraud.blame_provider_share),
        trust_fraud=m.real(lambda p: p.fraud.trust_loss),
        donor_budget_rwf=price * m.real(lambda p: p.donors.budget_support_rwf) * present / 12.0,
        assistance_rwf=price * m.real(lambda p: p.donors.assistance_rwf) * present / 12.0,
        assistance_gain=m.real(
            lambda p: p.donors.assistance_gain_per_year if p.donors.assistance_rwf > 0.0 else 0.0
        )
        * present
        / 12.0,
        capacity_decay=m.real(lambda p: p.donors.capacity_decay_per_year) / 12.0,
        capacity_effect=m.real(lambda p: p.donors.capacity_effect),
        levy_share=m.real(lambda p: p.formal.levy_share),
        trust_meetings=m.real(lambda p: p.trust.meetings_per_month),
        trust_prompt=m.real(lambda p: p.trust.prompt_payment_per_month),
        trust_quality=m.real(lambda p: p.trust.quality_per_month),
        trust_arrears=m.real(lambda p: p.trust.arrears_per_month if p.switches.arrears_feedback else 0.0),
        trust_coercion=m.real(lambda p: p.trust.coercion_per_month),
        trust_fixed=m.flag(lambda p: not p.switches.trust),
        formal_share=(
            interpolate(first.formal.share, m.mid_year) * m.real(lambda p: float(p.switches.formal_sector))
        ),
        formal_contribution_share=m.real(lambda p: p.formal.contribution_share),
        births=m.real(lambda p: p.demography.births if p.switches.demography else 0.0),
        deaths=m.real(lambda p: p.demography.deaths if p.switches.demography else 0.0),
        marriages=m.real(lambda p: p.demography.marriages if p.switches.demography else 0.0),
        chronic_onset=m.real(lambda p: p.demography.chronic_onset if p.switches.demography else 0.0),
    )
    _count_in_coins(columns, first.income.smallest_coin_rwf)
    return _fill(Rule, m.n, columns)


def _count_in_coins(columns: dict[str, AnyArray], coin_rwf: int) -> None:
    """Express every amount of the rules in the smallest coin, whole amounts rounded to whole coins."""
    if coin_rwf == 1:
        return
    for name, values in columns.items():
        if name.endswith("_rwf"):
            whole = np.issubdtype(values.dtype, np.integer)
            columns[name] = (values + coin_rwf // 2) // coin_rwf if whole else values / coin_rwf


# a change of any of these makes households' odds of seeking care, income or formal cover stale
_REPRICED_BY = (
    "mean_consumption_rwf", "consumption_sd", "need_rate", "chronic_factor", "seek_intercept", "seek_price",
    "seek_distance", "seek_severity", "distance_factor", "fee_outpatient_rwf", "fee_admission_rwf",
    "cost_outpatient_rwf", "cost_admission_rwf", "copayment_rwf", "coinsurance_share",
    "formal_coinsurance_share", "admission_if_severe", "formal_share", "outpatient_coinsurance",
)  # fmt: skip


def pack_calendar(scenario: Scenario, rules: Table) -> Table:
    """Return when cover is sold and for which months, and when results are read: ``CalendarMonth`` records.

    A fixed membership year starts in the month that the rules name and lasts until the next start, so
    that moving the starting month lengthens the year that is running. While the calendar rolls, the
    calendar year stands in for the membership year where one is needed (tastes, slots, renewal).
    """
    m = _Months(scenario)
    months = {month: p for begin, end, p in m.stretches for month in range(begin, end)}
    rolling = m.flag(lambda p: p.scheme.calendar == "rolling")
    start_month = m.whole(lambda p: p.scheme.year_start_month - 1)
    calendar_month = m.now % 12
    first_of_year = np.where(rolling, 0, start_month)
    begins = calendar_month == first_of_year
    # one start before the run by the first month's rules, two behind it by the last month's, so that what
    # is sold does not depend on where a run begins or ends within a membership year
    starts = [
        -(int(calendar_month[0] - first_of_year[0]) % 12),
        *map(int, np.flatnonzero(begins)),
        *(t for t in range(m.n, m.n + 24) if (m.start + t) % 12 == first_of_year[-1]),
    ]
    is_open = np.zeros(m.n, dtype=np.int8)
    before = np.zeros(m.n, dtype=np.int8)
    sale_from = np.zeros(m.n, dtype=np.int64)
    sale_until = np.zeros(m.n, dtype=np.int64)
    price_month = np.arange(m.n, dtype=np.int64)
    for t in range(m.n):
        p = months[t]
        if rolling[t]:
            is_open[t] = 1
            continue
        place = bisect.bisect_right(starts, t)
        this, following, after = starts[place - 1 : place + 2]
        if t - this < p.scheme.open_months_after:
            is_open[t] = 1
            sale_from[t], sale_until[t] = m.start + this, m.start + following
            price_month[t] = max(this, 0)
        elif following - t <= p.scheme.open_months_before:
            is_open[t] = before[t] = 1
            sale_from[t], sale_until[t] = m.start + following, m.start + after
            price_month[t] = min(following, m.n - 1)
    # a reporting year closes with the month before the starting month in force
    closes = (m.now + 1) % 12 == first_of_year
    ends = np.append(begins[1:], closes[-1])
    # premiums are set when the sale of a membership year begins, in January while cover rolls
    another_year = np.append(True, sale_from[1:] != sale_from[:-1])
    sets_premium = np.where(rolling != 0, calendar_month == 0, (is_open != 0) & another_year)
    n = scenario.n_months
    closes[n - 1] = True
    period = np.concatenate([[0], np.cumsum(closes)[:-1]])
    allocate = begins.copy()
    allocate[0] = True
    refresh = np.zeros(m.n, dtype=bool)
    last: int | None = None
    for t in map(int, np.flatnonzero(allocate)):
        if last is None or t - last >= 12 * months[t].subsidy.refresh_years:
            refresh[t] = True
            last = t
    # targeting starts with a fresh list, and so does another way of targeting
    ways = rules["targeting"]
    fresh = [*np.flatnonzero(rules["subsidy_offered"])[:1], *(np.flatnonzero(ways[1:] != ways[:-1]) + 1)]
    for since in fresh:
        later = np.flatnonzero(allocate & (np.arange(m.n) >= since))
        if later.size:
            refresh[later[0]] = True
    reprice = np.zeros(m.n, dtype=bool)
    for name in _REPRICED_BY:
        values = rules[name]
        reprice[1:] |= values[1:] != values[:-1]
    new_year = calendar_month == 0
    new_year[0] = True
    columns: dict[str, AnyArray] = dict(
        is_open=is_open,
        is_rolling=rolling,
        before_start=before,
        sale_from=sale_from,
        sale_until=sale_until,
        price_month=price_month,
        allocate=allocate,
        refresh_list=refresh,
        rank=allocate,
        reprice=reprice,
        year_ends=ends,
        period=period,
        closes=closes,
        new_year=new_year,
        sets_premium=sets_premium,
    )
    return _fill(CalendarMonth, n, {name: values[:n] for name, values in columns.items()})


class Packed(NamedTuple):
    """What a scenario alone decides of a run, whatever is drawn."""

    rules: Table
    calendar: Table


@functools.lru_cache(maxsize=64)
def pack_scenario(scenario: Scenario) -> Packed:
    """Return rules and calendar, kept for the next run of an equal scenario: not to be written into."""
    rules = pack_rules(scenario)
    return Packed(rules, pack_calendar(scenario, rules))


def first_month_of_sale(scenario: Scenario) -> I8:
    """Return, for each month, the index of the first month in which cover that includes it was sold."""
    calendar = pack_scenario(scenario).calendar
    is_open, is_rolling = calendar["is_open"].astype(bool), calendar["is_rolling"].astype(bool)
    sale_from, sale_until = calendar["sale_from"], calendar["sale_until"]
    # one line a month, one column a month up to three years before it
    every = np.arange(scenario.n_months)[:, None]
    sold = every - np.arange(35, -1, -1)
    known = sold >= 0
    sold = np.maximum(sold, 0)
    now = scenario.start + every
    rolling = is_rolling[sold] & (every - sold <= 12)
    fixed = (sale_from[sold] <= now) & (now < sale_until[sold])
    covering = known & is_open[sold] & (rolling | fixed)
    first = np.where(covering.any(axis=1), sold[every[:, 0], covering.argmax(axis=1)], every[:, 0])
    return first.astype(np.int64)


def _closes_by_itself(scenario: Scenario) -> bool:
    scheme = scenario.regimes()[-1][1].scheme
    first_of_year = 1 if scheme.calendar == "rolling" else scheme.year_start_month
    return (scenario.end + 1) % 12 == first_of_year - 1


def reporting_periods(scenario: Scenario, calendar: Table) -> list[tuple[str, int, int]]:
    """Return (label, first, end) month indices of the reporting years.

    A year is named after the calendar year in which it closes: "2003" is January to December 2003,
    "2012" July 2011 to June 2012 once membership years run from July. A last year that the end of the run
    cuts short says so, as in "2018 (3 months)".
    """
    periods = []
    for number in range(int(calendar["period"][-1]) + 1):
        inside = np.flatnonzero(calendar["period"] == number)
        begin, end = int(inside[0]), int(inside[-1]) + 1
        last = scenario.start + end - 1
        label = str(last // 12)
        if end == scenario.n_months and not _closes_by_itself(scenario):
            label += f" ({end - begin} months)"
        periods.append((label, begin, end))
    return periods
