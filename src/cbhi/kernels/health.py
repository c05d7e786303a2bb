"""Need, severity, seeking care and its cost.

An episode leads to a contact with probability ``chance(odds, service)``: the household's odds carry
price, distance and severity, the section's ``service`` factor carries waiting and quality, so that a
month with a stock-out costs one multiplication and no exponential. Episodes are Poisson, hence wanted
contacts and unsought episodes are independent Poisson counts with the split rates.
"""

from __future__ import annotations

import math

from cbhi.kernels.codes import FEMALE
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import CENTRE, WIDTH, central_quantile, normal_quantile
from cbhi.kernels.income import adult_equivalents, count_children, monthly_income
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, Fixed, Household, Rule, Table

# women of childbearing age report more illness than men of their age; relative to the band
WOMEN_15_49 = 1.25


def chance(odds: float, service: float) -> float:
    """Return the probability of seeking care."""
    x = odds * service
    return x / (1.0 + x)


def band_of(age_months: int) -> int:
    """Return the age band, 0-4, 5-14, 15-49, 50 and over years."""
    return int(age_months >= 5 * 12) + int(age_months >= 15 * 12) + int(age_months >= 50 * 12)


def need_in_band(
    band: int, sex: int, chronic: int, frailty: float, chronic_factor: float, need_by_age: F8
) -> float:
    """Return a member's need of care relative to the country's reference rate.

    Products with 1 rather than branches: sexes and ages follow no pattern that a processor could guess.
    """
    need = float(need_by_age[band]) * frailty
    need *= WOMEN_15_49 if (sex == FEMALE) & (band == 2) else 1.0
    return need * (chronic_factor if chronic != 0 else 1.0)


def member_need(
    age_years: int, sex: int, chronic: int, frailty: float, chronic_factor: float, need_by_age: F8
) -> float:
    """Return a member's need of care at an age in years."""
    return need_in_band(band_of(12 * age_years), sex, chronic, frailty, chronic_factor, need_by_age)


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
    enrolled = 0.0
    other = 0.0
    for k in range(int(hh.n_members)):
        rate = member_rate(hh, mm, k, now, rule, fixed)
        if mm[k].enrolled != 0:
            enrolled += rate
        else:
            other += rate
    hh.rate_enrolled = enrolled
    hh.rate_other = other


def seeking_logit_of_price(price_rwf: float, consumption_per_day: float, slope: float) -> float:
    """Return the fall in the logit of seeking care at a price, relative to a day's consumption."""
    return slope * math.log(1.0 + price_rwf / max(consumption_per_day, 1.0))


def refresh_odds(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Recompute income and the odds of seeking care of one household."""
    n = int(hh.n_members)
    children = count_children(hh, mm, now)
    hh.income = monthly_income(
        rule.mean_consumption_rwf,
        rule.consumption_sd,
        float(hh.z),
        adult_equivalents(n - children, children),
    )
    per_day = int(hh.income) * 12.0 / 365.0
    fee = rule.fee_outpatient_rwf
    fee_severe = fee + rule.admission_if_severe * rule.fee_admission_rwf
    cost = rule.cost_outpatient_rwf
    admission = rule.admission_if_severe * rule.cost_admission_rwf
    if hh.formal != 0:
        share = rule.formal_coinsurance_share
        price = share * cost
        price_severe = share * (cost + admission)
    else:
        fixed_part = min(rule.copayment_rwf, cost)
        price = fixed_part + rule.outpatient_coinsurance * (cost - fixed_part)
        price_severe = price + rule.coinsurance_share * admission
    slope = rule.seek_price
    severity = rule.seek_severity
    near = rule.seek_intercept
    free = near - rule.seek_distance * float(hh.distance_km) * rule.distance_factor
    hh.odds_near = math.exp(near)
    hh.odds_free = math.exp(free)
    hh.odds_insured = math.exp(free - seeking_logit_of_price(price, per_day, slope))
    hh.odds_uninsured = math.exp(free - seeking_logit_of_price(fee, per_day, slope))
    hh.odds_severe_insured = math.exp(free + severity - seeking_logit_of_price(price_severe, per_day, slope))
    hh.odds_severe_uninsured = math.exp(free + severity - seeking_logit_of_price(fee_severe, per_day, slope))


def of_either_severity(ordinary: float, severe: float, severe_share: float) -> float:
    """Return a probability over episodes of both severities."""
    return (1.0 - severe_share) * ordinary + severe_share * severe


def seeking_probability(ordinary: float, severe: float, service: float, severe_share: float) -> float:
    """Return the probability that an episode of either severity leads to a contact."""
    return of_either_severity(chance(ordinary, service), chance(severe, service), severe_share)


def supplied_size(u: float, sizes: F8, chances: F8) -> float:
    """Return the first size whose cumulated probability exceeds the draw."""
    low, high = 0, sizes.size - 1
    while low < high:
        middle = (low + high) // 2
        if u < chances[middle]:
            high = middle
        else:
            low = middle + 1
    return float(sizes[low])


def bill_size(log_sd: float, u: float, sizes: F8, chances: F8) -> float:
    """Return the bill of one contact relative to the mean: lognormal, or of a supplied size."""
    if sizes.size > 0:
        return supplied_size(u, sizes, chances)
    if log_sd <= 0.0:
        return 1.0
    return math.exp(log_sd * normal_quantile(u) - 0.5 * log_sd * log_sd)


def fill_bill_sizes(n: int, log_sd: float, draws: F8, sizes: F8, chances: F8, filled: F8) -> None:
    """Fill ``filled[:n]`` with what ``bill_size`` gives for the first ``n`` draws.

    In two passes, since the quantile away from the tails is computed for several draws at once.
    """
    if sizes.size > 0 or log_sd <= 0.0:
        for i in range(n):
            filled[i] = bill_size(log_sd, draws[i], sizes, chances)
        return
    several = draws[: (n + WIDTH - 1) // WIDTH * WIDTH]
    for i in range(several.size):
        filled[i] = central_quantile(several[i] - 0.5)
    for i in range(n):
        normal = filled[i] if abs(draws[i] - 0.5) <= CENTRE else normal_quantile(draws[i])
        filled[i] = math.exp(log_sd * normal - 0.5 * log_sd * log_sd)


def bill(mean_rwf: float, log_sd: float, u: float, fixed: Fixed) -> int:
    """Return the bill of one contact, RWF."""
    return to_francs(mean_rwf * bill_size(log_sd, u, fixed.bill_sizes, fixed.bill_chances))


compile_kernels(globals())
