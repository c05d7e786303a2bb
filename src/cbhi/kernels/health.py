"""Need, severity, seeking care and its cost.

An episode leads to a contact with probability ``chance(odds, service)``: the household's odds carry
price, distance and severity, the section's ``service`` factor carries waiting and quality, so that a
month with a stock-out costs one multiplication and no exponential. Episodes are Poisson, hence wanted
contacts and unsought episodes are independent Poisson counts with the split rates.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cbhi.kernels.codes import FEMALE
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import normal_quantile
from cbhi.kernels.income import adult_equivalents, count_children, monthly_income
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, Fixed, Household, Rule, Table

# women of childbearing age report more illness than men of their age; relative to the band
WOMEN_15_49 = 1.25


def chance(odds: float, service: float) -> float:
    """Return the probability of seeking care."""
    x = odds * service
    return x / (1.0 + x)


def member_need(
    age_years: int, sex: int, chronic: int, frailty: float, chronic_factor: float, need_by_age: F8
) -> float:
    """Return a member's need of care relative to the country's reference rate."""
    # products with 1 rather than branches: sexes and ages follow no pattern that a processor could guess
    band = int(age_years >= 5) + int(age_years >= 15) + int(age_years >= 50)
    need = float(need_by_age[band]) * frailty
    need *= WOMEN_15_49 if (sex == FEMALE) & (band == 2) else 1.0
    return need * (chronic_factor if chronic != 0 else 1.0)


def member_rate(hh: Household, mm: Table, k: int, now: int, rule: Rule, fixed: Fixed) -> float:
    """Return episodes a year of member ``k``, the household's shared frailty included."""
    age = (now - int(mm[k].born)) // 12
    need = member_need(
        age,
        int(mm[k].sex),
        int(mm[k].chronic),
        float(mm[k].frailty),
        rule.chronic_factor,
        fixed.need_by_age,
    )
    return rule.need_rate * float(hh.shared_frailty) * need


def refresh_rates(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Recompute episodes a year of members under the policy and of the others."""
    set_rates(hh, mm, now, rule.need_rate, rule.chronic_factor, fixed.need_by_age)


def set_rates(
    hh: Household, mm: Table, now: int, need_rate: float, chronic_factor: float, need_by_age: F8
) -> None:
    """Do what ``refresh_rates`` does, with what a section's households have in common read before."""
    scale = need_rate * float(hh.shared_frailty)
    enrolled = 0.0
    other = 0.0
    for k in range(int(hh.n_members)):
        member = mm[k]
        age = (now - int(member.born)) // 12
        need = member_need(
            age, int(member.sex), int(member.chronic), float(member.frailty), chronic_factor, need_by_age
        )
        rate = scale * need
        insured = member.enrolled != 0
        enrolled += rate if insured else 0.0
        other += 0.0 if insured else rate
    hh.rate_enrolled = enrolled
    hh.rate_other = other


def seeking_logit_of_price(price_rwf: float, consumption_per_day: float, slope: float) -> float:
    """Return the fall in the logit of seeking care at a price, relative to a day's consumption."""
    return slope * math.log(1.0 + price_rwf / max(consumption_per_day, 1.0))


class CareTerms(NamedTuple):
    """What all households have in common when they weigh a visit, in a month; RWF and logits."""

    mean_consumption_rwf: float
    consumption_sd: float
    near: float
    odds_near: float
    seek_distance: float
    distance_factor: float
    severity: float
    slope: float
    fee: float  # at full price: an ordinary episode, and the mean of a severe one
    fee_severe: float
    price: float  # with a policy
    price_severe: float
    price_formal: float  # with formal cover
    price_formal_severe: float


def care_terms(rule: Rule) -> CareTerms:
    """Return what all households have in common when they weigh a visit."""
    fee = rule.fee_outpatient_rwf
    cost = rule.cost_outpatient_rwf
    admission = rule.admission_if_severe * rule.cost_admission_rwf
    share = rule.formal_coinsurance_share
    fixed_part = min(float(rule.copayment_rwf), cost)
    price = fixed_part + rule.outpatient_coinsurance * (cost - fixed_part)
    return CareTerms(
        rule.mean_consumption_rwf,
        rule.consumption_sd,
        rule.seek_intercept,
        math.exp(rule.seek_intercept),
        rule.seek_distance,
        rule.distance_factor,
        rule.seek_severity,
        rule.seek_price,
        fee,
        fee + rule.admission_if_severe * rule.fee_admission_rwf,
        price,
        price + rule.coinsurance_share * admission,
        share * cost,
        share * (cost + admission),
    )


def refresh_odds(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Recompute income and the odds of seeking care of one household."""
    set_odds(hh, mm, now, care_terms(rule))


def set_odds(hh: Household, mm: Table, now: int, terms: CareTerms) -> None:
    """Do what ``refresh_odds`` does, with what all households have in common worked out before."""
    n = int(hh.n_members)
    children = count_children(hh, mm, now)
    income = monthly_income(
        terms.mean_consumption_rwf,
        terms.consumption_sd,
        float(hh.z),
        adult_equivalents(n - children, children),
    )
    hh.income = income
    per_day = income * 12.0 / 365.0
    formal = hh.formal != 0
    price = terms.price_formal if formal else terms.price
    price_severe = terms.price_formal_severe if formal else terms.price_severe
    slope = terms.slope
    free = terms.near - terms.seek_distance * float(hh.distance_km) * terms.distance_factor
    severe = free + terms.severity
    hh.odds_near = terms.odds_near
    hh.odds_free = math.exp(free)
    hh.odds_insured = math.exp(free - seeking_logit_of_price(price, per_day, slope))
    hh.odds_uninsured = math.exp(free - seeking_logit_of_price(terms.fee, per_day, slope))
    hh.odds_severe_insured = math.exp(severe - seeking_logit_of_price(price_severe, per_day, slope))
    hh.odds_severe_uninsured = math.exp(severe - seeking_logit_of_price(terms.fee_severe, per_day, slope))


def seeking_probability(ordinary: float, severe: float, service: float, severe_share: float) -> float:
    """Return the probability that an episode of either severity leads to a contact."""
    return (1.0 - severe_share) * chance(ordinary, service) + severe_share * chance(severe, service)


def bill(mean_rwf: float, log_sd: float, u: float, fixed: Fixed) -> int:
    """Return the bill of one contact, RWF: lognormal with the given mean, or of a supplied size."""
    n = fixed.bill_sizes.size
    if n > 0:
        # the first whose cumulated probability exceeds the draw
        low, high = 0, n - 1
        while low < high:
            middle = (low + high) // 2
            if u < fixed.bill_chances[middle]:
                high = middle
            else:
                low = middle + 1
        return to_francs(mean_rwf * fixed.bill_sizes[low])
    if log_sd <= 0.0:
        return to_francs(mean_rwf)
    return to_francs(mean_rwf * math.exp(log_sd * normal_quantile(u) - 0.5 * log_sd * log_sd))


compile_kernels(globals())
