"""Premiums that sections set to break even on their own claims, and the assembly's vote on them."""

from __future__ import annotations

import math

from cbhi.kernels.codes import DRAW_VETO, PREMIUM_CHANGES, PREMIUM_VETOES
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.enrolment import premium_due
from cbhi.kernels.fund import is_pooled
from cbhi.kernels.records import I8, Fixed, Nation, Rule, Section, State, Table

# least part of a premium that is reckoned to stay for claims
LEAST_KEPT_SHARE = 0.05


def set_national_prior(sections: Table, nation: Nation) -> None:
    """Note the country's claims per insured person-month since premiums were last set, RWF."""
    claims = 0
    months = 0
    for s in range(sections.size):
        claims += sections[s].claims_year
        months += sections[s].member_months
    if months > 0:
        nation.claims_per_member_month = claims / months


def break_even_premium(sec: Section, prior: float, rule: Rule) -> float:
    """Return the premium per member and year at which a section would break even, RWF.

    ``((1 + loading) * claims + reserve) / kept``: claims per member-year are the section's own with
    credibility Z = n / (n + K) over n real member-years and the country's (``prior``) with 1 - Z, less what
    a quota share pays, brought to the cost of a contact in the year sold; the reserve is what the fund less
    its debts lacks of some months of claims, per member of today, or what it has too much, as far as the
    rules make up for either in a year (all of a lack and a third of a surplus unless said otherwise); kept
    is the part of the premium that neither administration nor pools take, nor the reinsurer of the rest.
    """
    years = sec.member_months / 12.0
    exposure = years * rule.persons_per_section / max(1, sec.persons)
    credibility = exposure / max(1e-9, exposure + rule.premium_credibility)
    claims = credibility * sec.claims_year / years + (1.0 - credibility) * prior
    if sec.claims_cost > 0.0:
        claims *= rule.cost_outpatient_rwf * sec.member_months / sec.claims_cost
    held = sec.fund - sec.payables - sec.payables_hospital
    reserve = (rule.premium_reserve_months * sec.claims_average - held) / max(1, sec.insured)
    reserve *= rule.premium_deficit_share if reserve > 0.0 else rule.premium_surplus_share
    kept = (1.0 - rule.admin_share - rule.pool_share - rule.national_share) * (1.0 - rule.quota_share)
    needed = (1.0 + rule.premium_loading) * claims * (1.0 - rule.quota_share) + reserve
    return max(0.0, needed) / max(LEAST_KEPT_SHARE, kept)


def schedule_per_person(households: Table, sec: Section, rule: Rule) -> float:
    """Return the mean premium of the schedule over a section's people without formal cover, RWF a year."""
    due = 0
    persons = 0
    for h in range(sec.first, sec.end):
        hh = households[h]
        if hh.alive != 0 and hh.formal == 0:
            due += premium_due(hh, rule, 1.0)
            persons += int(hh.n_members)
    return due / max(1, persons)


def capped(target: float, before: float, cap: float) -> float:
    """Return a premium that moves towards its target by at most the yearly cap."""
    if before <= 0.0:
        return max(0.0, target)
    return max(0.0, min(before * (1.0 + cap), max(before * (1.0 - cap), target)))


def is_vetoed(sec: Section, now: int, rule: Rule, fixed: Fixed) -> bool:
    """Return whether the assembly votes against a higher premium, the likelier the less people trust."""
    if rule.premium_veto_slope <= 0.0:
        return False
    u = uniform(fixed.key, sec.number, 0, NOBODY, now, DRAW_VETO, 0)
    return bool(u < 1.0 - math.exp(-rule.premium_veto_slope * (1.0 - sec.trust)))


def set_premium(state: State, sec: Section, now: int, price_rule: Rule, fixed: Fixed, tallies: I8) -> None:
    """Set a section's premium, relative to the schedule, for the membership year that goes on sale.

    All parameters are of the rules that price that year. Nothing changes without experience, nor where a
    pool pays the claims: such a section has no account to balance. The cap and the assembly look at the
    premium per person in francs, whatever the schedule does. Where premiums follow the schedule again the
    factor is 1.
    """
    factor = sec.premium_factor
    if price_rule.premium_break_even == 0:
        factor = 1.0
        sec.premium_rwf = 0.0
    elif now >= sec.opens and sec.member_months > 0 and not is_pooled(sec, price_rule):
        schedule = schedule_per_person(state.households, sec, price_rule)
        if schedule > 0.0:
            before = sec.premium_rwf if sec.premium_rwf > 0.0 else schedule * factor
            prior = 12.0 * state.nation[0].claims_per_member_month
            premium = capped(break_even_premium(sec, prior, price_rule), before, price_rule.premium_cap)
            if premium > before and is_vetoed(sec, now, price_rule, fixed):
                premium = before
                tallies[PREMIUM_VETOES] += 1
            if premium != before:
                tallies[PREMIUM_CHANGES] += 1
            sec.premium_rwf = premium
            factor = premium / schedule
    sec.premium_factor = factor
    sec.claims_year = 0
    sec.member_months = 0
    sec.claims_cost = 0.0


compile_kernels(globals())
