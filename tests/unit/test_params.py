"""Every parameter is described, bounded, and moves some output."""

from __future__ import annotations

import functools
from typing import Any, get_args

import numpy as np
import pytest
from pydantic import ValidationError

from cbhi.months import parse_month
from cbhi.params import Confidence, Parameters, parameter_table
from cbhi.results import Results
from cbhi.scenarios import Scenario
from cbhi.simulation import simulate
from cbhi.variables import Arrays

TABLE = parameter_table()
KEYS = sorted(TABLE)


class TestTable:
    @pytest.mark.parametrize("key", KEYS)
    def test_says_what_it_is(self, key: str) -> None:
        info = TABLE[key]
        assert info.title
        assert info.title != key
        assert info.unit
        assert info.source
        assert info.confidence in get_args(Confidence)

    @pytest.mark.parametrize("key", KEYS)
    def test_default_is_inside_its_bounds(self, key: str) -> None:
        info = TABLE[key]
        if info.choices:
            assert info.default in info.choices
        elif isinstance(info.default, bool):
            assert info.unit == "on/off"
        elif isinstance(info.default, (int, float)):
            assert info.low is not None
            assert info.high is not None
            assert info.low <= info.default <= info.high
        else:
            assert isinstance(info.default, (dict, str))

    @pytest.mark.parametrize("key", KEYS)
    def test_bounds_are_enforced(self, key: str) -> None:
        info = TABLE[key]
        *sections, leaf = key.split(".")
        wrong: list[Any] = ["no such value", None]
        if info.low is not None and info.high is not None:
            step = 1 if isinstance(info.default, int) else 1e-6
            wrong += [info.low - step, info.high + step]
        for value in wrong:
            nested: Any = {leaf: value}
            for section in reversed(sections):
                nested = {section: nested}
            with pytest.raises(ValidationError):
                Parameters.model_validate(nested)

    def test_shares_have_bounds_of_shares(self) -> None:
        # relative to a cost or a price, which they can exceed
        relative = {
            "enrolment.access_value", "mandate.gate_cost_share", "care.user_fee_admission_share",
            "provider.induced_share", "provider.case_upcoding_markup", "fraud.ghost_share",
            "fraud.billing_share", "fund.stop_loss_loading",
        }  # fmt: skip
        for key, info in TABLE.items():
            if info.unit in ("share", "share per month", "0 to 1") and info.low is not None:
                assert info.low >= 0, key
                assert info.high <= 1 or key in relative, key

    def test_is_frozen_and_closed(self) -> None:
        with pytest.raises(ValidationError):
            Parameters().care.copayment_rwf = 3
        with pytest.raises(ValidationError):
            Parameters.model_validate({"care": {"copaymnt_rwf": 3}})

    def test_names_carry_their_unit(self) -> None:
        for key, info in TABLE.items():
            if info.unit.startswith("RWF"):
                assert "rwf" in key, key

    def test_series_are_sorted(self) -> None:
        p = Parameters.model_validate({"population": {"persons": {"2005-07": 2.0, "1999-07": 1.0}}})
        assert list(p.population.persons) == ["1999-07", "2005-07"]


@functools.cache
def eventful() -> Scenario:
    """Everything at work at once, at one time or another, in a small country with poor funds."""
    return (
        Scenario(name="eventful", start=parse_month("2004-01"), end=parse_month("2008-12"))
        .replace(
            {
                "population.sections": 4,
                "population.districts": 2,
                "population.persons": {"2004-01": 4_000.0, "2009-01": 4_800.0},
                "provider.clinicians": {"2004-01": 0.9, "2009-01": 1.2},
                "provider.health_centres": {"2004-01": 3.0, "2009-01": 4.0},
                "income.gini": {"2004-07": 0.45, "2008-07": 0.5},
                "rollout.pilot_districts": 1,
                "rollout.pilot_sections": 1,
                "rollout.pilot_month": "2004-02",
                "rollout.schemes": {"2004-01": 1.0, "2004-09": 2.0, "2005-09": 4.0},
                "scheme.premium_basis": "household",
                "scheme.household_premium_rwf": 500,
                "subsidy.offered": True,
                "subsidy.slots_share": 0.2,
                "subsidy.premium_share": 0.8,
                "subsidy.state_share": 0.3,
                "subsidy.donor_share": 0.4,
                "subsidy.refresh_years": 2,
                "subsidy.rich_share": 0.1,
                "mandate.mobilisation_effort": 0.5,
                "mandate.compulsory": True,
                "fund.pool_grant_rwf": 10.0,
                "care.user_fee_outpatient_rwf": 2_000.0,
                "care.seek_intercept": 0.5,
                "provider.adequate_clinicians_per_1000": 0.25,
                "income.debt_cap_months": 0.5,
                "care.cost_admission_rwf": 60_000.0,
                "fund.processing_share": 0.7,
                "fund.pool_share": 0.4,
                "formal.share": {"2004-07": 0.05, "2007-07": 0.1},
                "formal.levy_share": 0.005,
                "observation.targets": True,
            },
            name="eventful",
        )
        .add_event(
            "2005-07",
            {
                "scheme.premium_basis": "person",
                "scheme.premium_rwf": {"poorest": 100, "middle": 120, "rich": 300},
            },
        )
        .add_event("2006-01", {"scheme.calendar": "fixed"})
        .add_event("2006-04", {"fund.deficit_rule": "bail_out", "fund.arrears_limit_months": 1.0})
        .add_event("2007-07", {"fund.pool_pays_outpatient": True})
        .add_event("2008-03", {"fund.national_pool": True})
    )


# keys of partners whose effect needs a world of its own
PARTNER_KEYS = tuple(
    key
    for key in KEYS
    if key.startswith(("loans.", "groups.", "fraud.", "donors."))
    or key
    in {
        "switches.fraud", "switches.donors", "scheme.premium_rule", "scheme.premium_loading",
        "scheme.premium_credibility_member_years", "scheme.premium_cap_share",
        "scheme.premium_reserve_months", "scheme.premium_veto_slope", "scheme.portability_share",
        "scheme.premium_deficit_share", "scheme.premium_surplus_share",
        "subsidy.cross_subsidy_share", "subsidy.state_budget_rwf_per_person", "subsidy.targeting",
        "subsidy.proxy_r2", "subsidy.merit_correlation", "subsidy.consultant_share",
        "subsidy.consultant_boost", "subsidy.training", "subsidy.capture_share", "subsidy.elite_share",
        "subsidy.elite_correlation", "subsidy.list_trust_bonus", "provider.payment",
        "provider.capitation_rwf", "provider.induced_share", "provider.target_visits_per_person",
        "provider.case_upcoding_share", "provider.case_upcoding_markup",
        "provider.capitation_effort_loss", "provider.capitation_referral",
        "provider.tariff_discount_share", "provider.tariff_half_size",
        "provider.members_training_share", "provider.hire_share", "provider.hire_years",
        "provider.posting_response", "provider.faith_based_share", "provider.faith_based_posts",
        "provider.post_hazard", "provider.post_load", "provider.post_distance_km",
        "provider.performance_rwf", "provider.performance_half_rwf",
        "provider.performance_donor_share", "provider.effort_paid", "provider.effort_speed",
        "fund.national_share", "fund.equalisation_share", "fund.quota_share", "fund.stop_loss",
        "fund.stop_loss_retention", "fund.stop_loss_loading", "fund.stop_loss_cv",
    }
)  # fmt: skip


@functools.cache
def partnership() -> Scenario:
    """Every partner at work at one time or another, in a small poor country whose people wish to join."""
    values: dict[str, Any] = {
        "population.sections": 4, "population.districts": 2,
        "population.persons": {"2004-01": 4_000.0, "2009-01": 4_800.0},
        "population.group_share": 0.8, "population.group_size": 8.0,
        "provider.clinicians": {"2004-01": 0.9, "2009-01": 1.2},
        "rollout.pilot_districts": 0, "rollout.pilot_sections": 0, "switches.rollout": False,
        "enrolment.intercept": 1.0, "enrolment.attention_per_month": 0.6,
        "income.mean_consumption_rwf": 120_000.0, "income.premium_saving_share": 0.0,
        "scheme.premium_rwf": {"poorest": 1500, "middle": 1500, "rich": 3000},
        "fund.pool_share": 0.15, "care.cost_outpatient_rwf": 5_000.0, "care.user_fee_outpatient_rwf": 500.0,
        "subsidy.offered": True, "subsidy.slots_share": 0.2, "subsidy.state_share": 0.3,
        "subsidy.donor_share": 0.4, "subsidy.refresh_years": 1, "subsidy.cross_subsidy_share": 0.1,
        "subsidy.state_budget_rwf_per_person": 60.0, "subsidy.capture_share": 0.3,
        "subsidy.consultant_share": 0.3, "subsidy.training": 0.5, "subsidy.list_trust_bonus": 0.05,
        "subsidy.elite_correlation": 0.3,
        "loans.offered": True, "loans.borrowers": "members", "loans.fee_share": 0.02,
        "loans.default_share": 0.12,
        "loans.interest_share_per_year": 0.6, "loans.default_after_months": 2, "loans.exclusion_months": 4,
        "loans.exclusion_value_months": 1.5, "loans.social_sanction_months": 1.0,
        "loans.equity_rwf_per_person": 1_000.0, "loans.months": 6,
        "loans.deposit_interest_share_per_year": 0.1,
        "groups.savings": True, "groups.weekly_rwf": 60.0, "groups.forming_size": 4,
        "scheme.premium_rule": "break_even", "scheme.premium_veto_slope": 1.5,
        "scheme.premium_cap_share": 0.5,
        "scheme.portability_share": 0.2,
        "provider.induced_share": 0.5, "provider.target_visits_per_person": 10.0,
        "provider.tariff_discount_share": 0.3, "provider.members_training_share": 0.5,
        "provider.tariff_half_size": 300.0, "provider.hire_share": 0.2, "provider.faith_based_posts": 0.6,
        "provider.post_hazard": 0.6, "provider.post_load": 0.5, "provider.post_distance_km": 2.5,
        "provider.performance_rwf": 100.0, "provider.performance_donor_share": 0.4,
        "donors.exit_month": "2008-04", "donors.taper_months": 12, "donors.fungibility_share": 0.2,
        "donors.pool_grant_rwf": 100.0, "donors.budget_support_rwf": 20.0, "donors.assistance_rwf": 10.0,
        "donors.condition_outpatient_share": 0.1, "donors.condition_hospital_share": 0.1,
        "fund.pool_grant_rwf": 50.0, "fund.national_share": 0.02, "fund.equalisation_share": 0.5,
        "fund.quota_share": 0.1, "fund.stop_loss": True, "fund.stop_loss_retention": 0.8,
        "switches.fraud": True, "fraud.card_lending_share": 0.3, "fraud.ghost_share": 0.2,
        "fraud.embezzled_share": 0.1, "fraud.honest_rejection_share": 0.05,
    }  # fmt: skip
    return (
        Scenario(name="partnership", start=parse_month("2004-01"), end=parse_month("2008-12"))
        .replace(values, name="partnership")
        .add_event("2004-10", {"switches.pooling": False})
        .add_event("2005-03", {"switches.pooling": True})
        .add_event("2006-09", {"provider.payment": "capitation"})
        .add_event("2006-12", {"loans.liability": "joint"})
        .add_event("2007-01", {"subsidy.targeting": "merit"})
        .add_event("2007-04", {"provider.payment": "case", "scheme.enrolment_unit": "group"})
        .add_event("2007-10", {"provider.payment": "fee", "scheme.enrolment_unit": "household"})
        .add_event("2008-01", {"subsidy.targeting": "hybrid", "groups.minimum_share": 0.3})
        .add_event("2008-02", {"groups.required": True})
        .add_event("2008-06", {"loans.liability": "individual"})
    )


def world_of(key: str) -> Scenario:
    """The scenario in which a parameter has something to act on."""
    return partnership() if key in PARTNER_KEYS else eventful()


# where another value in the same direction would not be valid or not be another one
OTHER: dict[str, Any] = {
    "population.districts": 3,
    "population.sections": 5,
    "rollout.pilot_districts": 0,
    "rollout.pilot_sections": 2,
    "rollout.pilot_month": "2004-08",
    "rollout.schemes": {"2004-01": 1.0, "2004-06": 4.0},
    "observation.overcount_before_targets": 0.1,
    "income.reference_year": 2009,
    "income.debt_cap_months": 0.0,
    "care.user_fee_year": 2002,
    "provider.wage_year": 2007,
    "fund.deficit_rule": "suspend",
    "donors.exit_month": "2005-05",
    "provider.payment": "capitation",
    "scheme.enrolment_unit": "person",
    "subsidy.targeting": "random",
    "subsidy.state_budget_rwf_per_person": 5.0,
    "provider.tariff_half_size": 500.0,
    "scheme.premium_veto_slope": 0.0,
    "scheme.year_start_month": 7,
    "scheme.open_months_before": 3,
    "scheme.open_months_after": 4,
    "provider.health_centres": {"2004-01": 2.0, "2009-01": 4.0},  # only their growth counts
    "subsidy.refresh_years": 1,
    "subsidy.poorest_share": 0.4,
    "scheme.household_premium_covers": 3,
    "enrolment.risk_premium_cap": 0.01,
    "demography.births": 1.5,
    "trust.heritage_share": 0.9,
}  # fmt: skip


def current(key: str) -> Any:
    value: Any = world_of(key).regimes()[-1][1]
    for part in key.split("."):
        value = getattr(value, part)
    return value


def another(key: str) -> Any:
    """A valid value other than the one in force at the end."""
    if key in OTHER:
        return OTHER[key]
    info, value = TABLE[key], current(key)
    if isinstance(value, bool):
        return not value
    if info.choices:
        return next(choice for choice in info.choices if choice != value)
    if isinstance(value, dict):
        return {month: 1.2 * v for month, v in value.items()}
    assert info.low is not None
    assert info.high is not None
    if isinstance(value, int):
        return value + max(1, value // 2) if value + max(1, value // 2) <= info.high else value - 1
    more = value * 1.5 if value else 0.3 * min(1.0, info.high)
    return more if more <= info.high else 0.5 * (info.low + value)


def run(s: Scenario) -> Results:
    return simulate(s, households=1000, seed=5)


@functools.cache
def run_of(name: str) -> Results:
    return run({"eventful": eventful, "partnership": partnership}[name]())


def reference(key: str = "") -> Results:
    """The run that a change of this parameter is compared with."""
    return run_of(world_of(key).name)


def months_alike(one: Arrays, two: Arrays) -> int:
    """The months at the start in which two runs wrote the same."""
    if one.flows.shape != two.flows.shape:
        return 0
    alike = np.ones(one.flows.shape[1], dtype=bool)
    for name in ("flows", "tallies", "gauges"):
        a, b = getattr(one, name), getattr(two, name)
        alike &= (a == b).all(axis=(0, 2, 3))
    alike &= (one.stocks[:, 1:] == two.stocks[:, 1:]).all(axis=(0, 2, 3))
    return int(alike.size if alike.all() else np.argmin(alike))


# act on how results are reported, not on the run
REPORTED = ("observation.overcount_share", "observation.overcount_before_targets", "observation.targets")


# room is plenty, premiums are paid from cash, few die alone and in debt; tests/properties make them happen
RARE = {
    "risk_premium_capped", "marriages_without_room", "births_without_room", "premiums_borrowed",
    "debt_written_off", "sections_merged", "sections_suspended", "catastrophic_25",
}  # fmt: skip
RARE_FLOWS = ["national_support", "merged_up"]


class TestEffect:
    def test_the_references_exercise_everything(self) -> None:
        from cbhi.kernels import codes

        flows = sum(r.arrays.flows.sum(axis=(0, 1, 2)) for r in (run_of("eventful"), run_of("partnership")))
        assert [codes.FLOWS[kind][0] for kind in np.flatnonzero(flows == 0)] == RARE_FLOWS
        seen = sum(r.arrays.tallies.sum(axis=(0, 1, 2)) for r in (run_of("eventful"), run_of("partnership")))
        assert {codes.TALLIES[code] for code in np.flatnonzero(seen == 0)} <= RARE

    def test_the_same_twice(self) -> None:
        assert months_alike(reference().arrays, run(eventful()).arrays) == eventful().n_months

    @pytest.mark.parametrize("key", [key for key in KEYS if key not in REPORTED])
    def test_every_parameter_and_switch_moves_some_output(self, key: str) -> None:
        value = another(key)
        assert value != current(key)
        changed = run(world_of(key).replace({key: value}))
        assert months_alike(reference(key).arrays, changed.arrays) < eventful().n_months

    @pytest.mark.parametrize("key", REPORTED)
    def test_what_acts_on_reporting_moves_reports(self, key: str) -> None:
        name = "coverage_administrative_share"
        changed = run(eventful().replace({key: another(key)}))
        assert not np.array_equal(changed.values(name), reference().values(name))
        assert months_alike(reference().arrays, changed.arrays) == eventful().n_months


# prices and calendars of the coming membership year are known while it is on sale
ANNOUNCED = ("scheme.", "subsidy.")


class TestEvents:
    @pytest.mark.parametrize(
        "key",
        [key for key in KEYS if TABLE[key].datable and key not in REPORTED and not key.startswith(ANNOUNCED)],
    )
    def test_an_event_changes_nothing_before_its_month_and_something_after(self, key: str) -> None:
        when = "2006-08"
        s = world_of(key)
        value: Any = [p for month, p in s.regimes() if month <= parse_month(when)][-1]
        for part in key.split("."):
            value = getattr(value, part)
        other = another(key)
        if other == value:
            # an event of the scenario itself has turned it already
            other = not value
        changed = run(s.add_event(when, {key: other}))
        before = parse_month(when) - s.start
        assert before <= months_alike(reference(key).arrays, changed.arrays) < s.n_months
