"""Options of a scenario that do nothing, because something else that they need is off.

Such a scenario can be run; what was meant by it may be another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cbhi.months import format_month
from cbhi.scenarios import Scenario
from cbhi.scenarios.changes import as_toml, known_parameters


@dataclass(frozen=True)
class Need:
    """Keys that do nothing in a run in which another key never has a value that they need.

    Attributes
    ----------
    keys
        Full keys, or groups of keys such as ``fraud``.
    of
        The key that they need something of.
    idle
        Says whether its value leaves them without effect.
    otherwise
        What would give them an effect, in words.
    """

    keys: tuple[str, ...]
    of: str
    idle: Callable[[Any], bool]
    otherwise: str


def _off(keys: str, switch: str) -> Need:
    return Need(tuple(keys.split()), switch, lambda value: not value, f"{switch} = true")


def _only_under(keys: str, of: str, value: str) -> Need:
    return Need(tuple(keys.split()), of, lambda now: now != value, f"{of} = '{value}'")


NEEDS: tuple[Need, ...] = (
    # switches
    _off("groups population.group_share population.group_size enrolment.group_share_of_peers",
         "switches.groups"),
    _off("fraud", "switches.fraud"),
    _off("donors.exit_month donors.taper_months donors.fungibility_share donors.pool_grant_rwf"
         " donors.budget_support_rwf donors.condition_outpatient_share donors.condition_hospital_share"
         " donors.assistance_rwf donors.assistance_gain_per_year", "switches.donors"),
    _off("fund.pool_share fund.national_share fund.equalisation_share fund.national_pool"
         " fund.pool_pays_outpatient fund.pool_grant_rwf donors.pool_grant_rwf", "switches.pooling"),
    _off("trust.meetings_per_month trust.prompt_payment_per_month trust.quality_per_month"
         " trust.arrears_per_month trust.coercion_per_month enrolment.trust_weight fraud.trust_loss"
         " subsidy.list_trust_bonus", "switches.trust"),
    _off("enrolment.quality_weight care.seek_quality", "switches.quality"),
    _off("enrolment.peer_weight enrolment.group_share_of_peers", "switches.peers"),
    _off("enrolment.inertia", "switches.inertia"),
    _off("mandate.mobilisation_effort mandate.mobilisation_weight", "switches.mobilisation"),
    _off("mandate.compulsory mandate.penalty_rwf mandate.enforcement_max mandate.gate_probability"
         " mandate.gate_cost_share",
         "switches.mandate"),
    _off("mandate.gate_probability mandate.gate_cost_share", "switches.service_gate"),
    _off("subsidy.offered subsidy.slots_share subsidy.premium_share subsidy.state_share subsidy.donor_share"
         " subsidy.cross_subsidy_share subsidy.state_budget_rwf_per_person subsidy.registration_per_month",
         "switches.subsidies"),
    _off("subsidy.capture_share subsidy.proxy_r2 subsidy.list_correlation", "switches.targeting_errors"),
    _off("income.debt_cap_months", "switches.informal_debt"),
    _off("scheme.waiting_months scheme.grace_months", "switches.waiting"),
    _off("income.season_amplitude income.season_peak_month care.season_amplitude care.season_peak_month",
         "switches.season"),
    _off("income.shock_sd", "switches.income_shocks"),
    _off("income.harvest_log_sd care.epidemic_log_sd", "switches.common_shocks"),
    _off("care.chronic_factor", "switches.chronic_illness"),
    _off("enrolment.private_information", "switches.private_information"),
    _off("enrolment.risk_aversion enrolment.risk_premium_cap", "switches.risk_aversion"),
    _off("care.seek_wait", "switches.queues"),
    _off("fund.refusal_slope trust.arrears_per_month", "switches.arrears_feedback"),
    _off("formal", "switches.formal_sector"),
    _off("demography", "switches.demography"),
    _off("rollout.schemes rollout.pilot_month", "switches.rollout"),
    _off("provider.hire_share provider.hire_years provider.posting_response provider.post_hazard"
         " provider.post_load provider.post_distance_km", "switches.supply_growth"),
    # rules that open or close others
    _off("subsidy.slots_share subsidy.premium_share subsidy.state_share subsidy.donor_share"
         " subsidy.cross_subsidy_share subsidy.state_budget_rwf_per_person subsidy.registration_per_month"
         " subsidy.capture_share",
         "subsidy.offered"),
    _off("loans", "loans.offered"),
    _off("groups.weekly_rwf groups.pay_together groups.deposits", "groups.savings"),
    _off("groups.forming_size", "groups.required"),
    _off("mandate.penalty_rwf mandate.enforcement_max mandate.gate_probability mandate.gate_cost_share"
         " trust.coercion_per_month",
         "mandate.compulsory"),
    _off("fund.stop_loss_retention fund.stop_loss_loading fund.stop_loss_cv", "fund.stop_loss"),
    _off("observation.overcount_share", "observation.targets"),
    _only_under("scheme.premium_rwf", "scheme.premium_basis", "person"),
    _only_under("scheme.household_premium_rwf scheme.household_premium_covers",
                "scheme.premium_basis", "household"),
    _only_under("scheme.year_start_month scheme.open_months_before scheme.open_months_after",
                "scheme.calendar", "fixed"),
    _only_under("scheme.premium_loading scheme.premium_credibility_member_years scheme.premium_cap_share"
                " scheme.premium_reserve_months scheme.premium_veto_slope",
                "scheme.premium_rule", "break_even"),
    _only_under("groups.vote_threshold", "scheme.enrolment_unit", "group"),
    _only_under("provider.capitation_rwf provider.capitation_effort_loss provider.capitation_referral",
                "provider.payment", "capitation"),
    _only_under("provider.case_upcoding_share provider.case_upcoding_markup", "provider.payment", "case"),
    Need(("donors.taper_months",), "donors.exit_month", lambda month: month == "never",
         "a month in donors.exit_month"),
    Need(("provider.performance_half_rwf", "provider.performance_donor_share", "provider.effort_paid"),
         "provider.performance_rwf", lambda rwf: rwf == 0, "provider.performance_rwf above 0"),
)  # fmt: skip
"""What needs what; a test runs each both ways and finds no difference to the last franc."""


def notes(scenario: Scenario) -> list[str]:
    """Return what a scenario asks for that can have no effect in its run.

    Parameters
    ----------
    scenario
        A scenario that can be run.

    Returns
    -------
    list of str
        One line for each: options whose mechanism is off in every month, and events outside the run.
    """
    return [*_idle_options(scenario), *_events_outside(scenario)]


def _idle_options(scenario: Scenario) -> list[str]:
    # cover on sale in the last months lasts beyond them, under rules that are looked ahead to
    regimes = [p for _, p in scenario.regimes(beyond=36)]
    given = _given(scenario)
    told: set[str] = set()
    lines = []
    for need in NEEDS:
        keys = [
            key
            for key in given
            if key not in told and any(key == one or key.startswith(f"{one}.") for one in need.keys)
        ]
        # the key itself may stand in the group that needs it
        keys = [key for key in keys if key != need.of]
        states = [_value(p, need.of) for p in regimes]
        if not keys or not all(need.idle(state) for state in states):
            continue
        told.update(keys)
        shown = ", ".join(keys[:4]) + (f" and {len(keys) - 4} more" if len(keys) > 4 else "")
        verb = "has" if len(keys) == 1 else "have"
        lines.append(
            f"{shown} {verb} no effect while {need.of} = {as_toml(states[0])}; needed: {need.otherwise}"
        )
    return lines


def _events_outside(scenario: Scenario) -> list[str]:
    lines = []
    span = f"the run goes from {format_month(scenario.start)} to {format_month(scenario.end)}"
    for event in scenario.events:
        what = ", ".join(list(event.changes)[:3]) + (", ..." if len(event.changes) > 3 else "")
        if event.month > scenario.end:
            lines.append(f"event of {format_month(event.month)} ({what}) waits for a longer run: {span}")
        elif event.month < scenario.start:
            lines.append(f"event of {format_month(event.month)} ({what}) holds from the start: {span}")
    return lines


def _given(scenario: Scenario) -> list[str]:
    """Return the keys that a scenario sets to something else than their default, at the start or later."""
    known = known_parameters()
    settings = [scenario.values, *(event.changes for event in scenario.events)]
    return [key for key in known if any(key in s and s[key] != known[key].default for s in settings)]


def _value(p: Any, key: str) -> Any:
    for part in key.split("."):
        p = getattr(p, part)
    return p


def undone_events(base: Scenario, scenario: Scenario) -> list[str]:
    """Return one line for every event of a scenario that a later event of its base undoes.

    Parameters
    ----------
    base
        The scenario that it starts from.
    scenario
        The scenario itself.
    """
    of_base = {(event.month, key): value for event in base.events for key, value in event.changes.items()}
    lines = []
    for event in scenario.events:
        for key, value in event.changes.items():
            if of_base.get((event.month, key), ...) == value:
                continue
            later = [e for e in scenario.events if e.month > event.month and key in e.changes]
            if later and (later[0].month, key) in of_base and later[0].changes[key] != value:
                lines.append(
                    f"{key} = {as_toml(value)} from {format_month(event.month)} holds until"
                    f" {format_month(later[0].month - 1)}: an event of {base.name} sets"
                    f" {as_toml(later[0].changes[key])} in {format_month(later[0].month)}; write an event of"
                    " that month too, or the key in its section for the whole run"
                )
    return lines
