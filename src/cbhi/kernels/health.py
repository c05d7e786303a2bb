"""Need, severity, seeking care and its cost.

An episode leads to a contact with probability ``chance(odds, service)``: the household's odds carry
price, distance and severity, the section's ``service`` factor carries waiting and quality, so that a
month with a stock-out costs one multiplication and no exponential. Episodes are Poisson, hence wanted
contacts and unsought episodes are independent Poisson counts with the split rates.
"""

from __future__ import annotations

from typing import NamedTuple

from cbhi.kernels.approx import exp, log
from cbhi.kernels.codes import FEMALE, MEMBER_SLOTS
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import CENTRE, VECTOR, central_quantile, normal_quantile, whole_vectors
from cbhi.kernels.income import adult_equivalents, children_in_slots, count_children, monthly_income
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, I8, Fixed, Household, Rule, Table

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
        insured = mm[k].enrolled != 0
        enrolled += rate if insured else 0.0
        other += 0.0 if insured else rate
    hh.rate_enrolled = enrolled
    hh.rate_other = other


def fill_needs(mm: Table, now: int, chronic_factor: float, need_by_age: F8, needs: F8) -> None:
    """Write what ``need_in_band`` gives for the member of each slot, and something in slots without one.

    One choice after the other, so that a household's members become a vector: where a loop over members ends
    follows no pattern that a processor could guess. ``needs`` is as long as all members, or more.
    """
    infant, child, adult, old = need_by_age[0], need_by_age[1], need_by_age[2], need_by_age[3]
    for k in range(needs.size):
        member = mm[k]
        age = now - int(member.born)
        need = child if age >= 5 * 12 else infant
        need = adult if age >= 15 * 12 else need
        need = old if age >= 50 * 12 else need
        more = WOMEN_15_49 if member.sex == FEMALE else 1.0
        more = more if age >= 15 * 12 else 1.0
        more = more if age < 50 * 12 else 1.0
        need = need * float(member.frailty) * more
        needs[k] = need * (chronic_factor if member.chronic != 0 else 1.0)


def set_rates(
    hh: Household, mm: Table, now: int, need_rate: float, chronic_factor: float, need_by_age: F8, needs: F8
) -> None:
    """Do what ``refresh_rates`` does, with what a section's households have in common read before.

    ``needs`` is a buffer.
    """
    fill_needs(mm, now, chronic_factor, need_by_age, needs)
    scale = need_rate * float(hh.shared_frailty)
    n = int(hh.n_members)
    enrolled = 0.0
    other = 0.0
    for k in range(needs.size):
        rate = scale * needs[k] if k < n else 0.0
        insured = mm[k].enrolled != 0
        enrolled += rate if insured else 0.0
        other += 0.0 if insured else rate
    hh.rate_enrolled = enrolled
    hh.rate_other = other


def days_a_franc_buys(income_rwf: float) -> float:
    """Return what a franc is of a day's consumption, at a monthly income."""
    return 1.0 / max(income_rwf * 12.0 / 365.0, 1.0)


def odds_at(logit: float, price_in_days: float, slope: float) -> float:
    """Return the odds of seeking care at a price, in days of consumption; ``logit`` gives them at none."""
    return exp(logit - slope * log(1.0 + price_in_days))


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
        exp(rule.seek_intercept),
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


def logit_of_distance(distance_km: float, terms: CareTerms) -> float:
    """Return the logit of seeking care at no price."""
    return terms.near - terms.seek_distance * distance_km * terms.distance_factor


def equivalents_of(hh: Household, mm: Table, now: int) -> float:
    """Return the household's adult equivalents."""
    children = count_children(hh, mm, now)
    return adult_equivalents(int(hh.n_members) - children, children)


def refresh_odds(hh: Household, mm: Table, now: int, rule: Rule, fixed: Fixed) -> None:
    """Recompute income and the odds of seeking care of one household."""
    terms = care_terms(rule)
    income = monthly_income(
        terms.mean_consumption_rwf, terms.consumption_sd, float(hh.z), equivalents_of(hh, mm, now)
    )
    formal = hh.formal != 0
    price = terms.price_formal if formal else terms.price
    price_severe = terms.price_formal_severe if formal else terms.price_severe
    slope = terms.slope
    free = logit_of_distance(float(hh.distance_km), terms)
    severe = free + terms.severity
    days = days_a_franc_buys(float(income))
    hh.income = income
    hh.odds_near = terms.odds_near
    hh.odds_free = exp(free)
    hh.odds_insured = odds_at(free, price * days, slope)
    hh.odds_uninsured = odds_at(free, terms.fee * days, slope)
    hh.odds_severe_insured = odds_at(severe, price_severe * days, slope)
    hh.odds_severe_uninsured = odds_at(severe, terms.fee_severe * days, slope)


# columns of ``Work.lanes`` while odds of many households are worked out
FREE = 0
EQUIVALENTS = 1
INSURED = 2
UNINSURED = 3
SEVERE_INSURED = 4
SEVERE_UNINSURED = 5
INCOME = 6
N_COLUMNS = 7


def odds_at_prices(n: int, logits: F8, shift: float, days: F8, prices: F8, slope: float) -> None:
    """Put in the place of the first ``n`` prices the odds of seeking care at them."""
    for i in range(n):
        prices[i] = odds_at(logits[i] + shift, prices[i] * days[i], slope)


def gather_traits(
    households: Table, members: Table, rows: I8, n: int, now: int, terms: CareTerms, lanes: F8
) -> None:
    """Write what decides on the odds of ``n`` rows listed into columns, with zeros to the end of a vector."""
    lanes[:, n : whole_vectors(n)] = 0.0
    for i in range(n):
        hh = households[rows[i]]
        formal = hh.formal != 0
        # the position, until income takes its place
        lanes[INCOME, i] = float(hh.z)
        size = int(hh.n_members)
        children = children_in_slots(members[rows[i]], size, VECTOR if size <= VECTOR else MEMBER_SLOTS, now)
        lanes[EQUIVALENTS, i] = adult_equivalents(size - children, children)
        lanes[FREE, i] = float(hh.distance_km)
        lanes[INSURED, i] = terms.price_formal if formal else terms.price
        lanes[SEVERE_INSURED, i] = terms.price_formal_severe if formal else terms.price_severe
        lanes[UNINSURED, i] = terms.fee
        lanes[SEVERE_UNINSURED, i] = terms.fee_severe


def refresh_odds_of_rows(
    households: Table, members: Table, rows: I8, n: int, now: int, terms: CareTerms, lanes: F8
) -> None:
    """Do for ``n`` rows listed what ``refresh_odds`` does for one, in passes that become vectors."""
    gather_traits(households, members, rows, n, now, terms, lanes)
    free = lanes[FREE]
    equivalents = lanes[EQUIVALENTS]
    incomes = lanes[INCOME]
    mean, sd = terms.mean_consumption_rwf, terms.consumption_sd
    whole = whole_vectors(n)
    for i in range(whole):
        incomes[i] = monthly_income(mean, sd, incomes[i], equivalents[i])
        free[i] = logit_of_distance(free[i], terms)
    for i in range(n):
        households[rows[i]].income = int(incomes[i])
    days = incomes
    for i in range(whole):
        days[i] = days_a_franc_buys(incomes[i])
    odds_at_prices(whole, free, 0.0, days, lanes[INSURED], terms.slope)
    odds_at_prices(whole, free, 0.0, days, lanes[UNINSURED], terms.slope)
    odds_at_prices(whole, free, terms.severity, days, lanes[SEVERE_INSURED], terms.slope)
    odds_at_prices(whole, free, terms.severity, days, lanes[SEVERE_UNINSURED], terms.slope)
    for i in range(whole):
        free[i] = exp(free[i])
    for i in range(n):
        hh = households[rows[i]]
        hh.odds_near = terms.odds_near
        hh.odds_free = free[i]
        hh.odds_insured = lanes[INSURED, i]
        hh.odds_uninsured = lanes[UNINSURED, i]
        hh.odds_severe_insured = lanes[SEVERE_INSURED, i]
        hh.odds_severe_uninsured = lanes[SEVERE_UNINSURED, i]


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
    return exp(log_sd * normal_quantile(u) - 0.5 * log_sd * log_sd)


def fill_bill_sizes(n: int, log_sd: float, draws: F8, sizes: F8, chances: F8, filled: F8) -> None:
    """Fill ``filled[:n]`` with what ``bill_size`` gives for the first ``n`` draws.

    In passes, since all but the quantile in the tails is computed for several draws at once.
    """
    if sizes.size > 0 or log_sd <= 0.0:
        for i in range(n):
            filled[i] = bill_size(log_sd, draws[i], sizes, chances)
        return
    several = draws[: whole_vectors(n)]
    for i in range(several.size):
        filled[i] = central_quantile(several[i] - 0.5)
    for i in range(n):
        if abs(draws[i] - 0.5) > CENTRE:
            filled[i] = normal_quantile(draws[i])
    for i in range(several.size):
        filled[i] = exp(log_sd * filled[i] - 0.5 * log_sd * log_sd)


def bill(mean_rwf: float, log_sd: float, u: float, fixed: Fixed) -> int:
    """Return the bill of one contact, RWF."""
    return to_francs(mean_rwf * bill_size(log_sd, u, fixed.bill_sizes, fixed.bill_chances))


compile_kernels(globals())
