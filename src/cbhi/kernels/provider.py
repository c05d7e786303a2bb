"""Capacity, order of service, waiting, drugs, effort, quality and money of health centres.

Everything is at the scale of the sample: doses and posts are real numbers, francs are whole.
"""

from __future__ import annotations

import math

import numpy as np

from cbhi.kernels.codes import (
    DRAW_SUPPLY,
    DRUGS,
    LIST_PATIENTS,
    OWN_WAGES,
    PAY_CAPITATION,
    PAY_FEE,
    PERFORMANCE_DONOR,
    PERFORMANCE_STATE,
    RUNNING_COST_HEALTH_CENTRE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, I8, Rule, Section, Table, Work

# above every place in a queue
NO_LIMIT = 1.0
MAX_LOAD_IN_WAIT = 0.95
# revenue is averaged over about half a year, like the claims of a fund
REVENUE_MEMORY = 0.15
BLAME_MEMORY = 0.1


def clinicians(sec: Section, rule: Rule) -> float:
    """Return the section's clinicians relative to the country's mean per person, own posts included.

    1 is the mean number of public posts for the section's people.
    """
    usual = sec.persons * rule.clinicians_per_person
    return sec.staffing + (sec.own_posts / usual if usual > 0.0 else 0.0)


def monthly_capacity(sec: Section, rule: Rule) -> int:
    """Return the consultations that the section's health centre can give this month, to whomever.

    Whole consultations; the fraction is carried to the next month, so that no capacity is lost at small
    sample sizes.
    """
    real = sec.persons * rule.consultations_per_person * clinicians(sec, rule) + sec.capacity_carry
    whole = int(real)
    sec.capacity_carry = real - whole
    return whole


def places_at_home(sec: Section, capacity: int, wanted: int, rule: Rule) -> int:
    """Return the places for the section's own people.

    Last month's visitors from other sections, who did not queue, take up places of this month; all
    contacts have one where nothing is rationed.
    """
    if rule.rationing == 0:
        return wanted
    return max(0, capacity - sec.visitors_before)


def service_factor(sec: Section, rule: Rule) -> float:
    """Return the factor on the odds of seeking care that waiting and quality leave, at most 1."""
    return math.exp(-rule.seek_wait * sec.wait_hours - rule.seek_quality * (1.0 - sec.quality))


def kth_smallest(values: F8, k: int) -> float:
    """Return the value with ``k`` smaller ones; reorders ``values`` (Hoare 1961)."""
    low, high = 0, values.size - 1
    while low < high:
        pivot = values[(low + high) // 2]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while pivot < values[j]:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if k <= j:
            high = j
        elif k >= i:
            low = i
        else:
            return float(pivot)
    return float(values[k])


def first_place_refused(
    households: Table, sec: Section, now: int, capacity: int, wanted: int, key: tuple[int, int], work: Work
) -> float:
    """Return the place from which contacts at home are turned away, so that capacity is never exceeded.

    Every contact of a section-month has a keyed place in the queue, a uniform draw, so that each is served
    with probability capacity / wanted and who comes first does not depend on how households are stored.
    """
    if wanted <= capacity:
        return NO_LIMIT
    # more contacts than the buffer holds come only in a month of stress
    places = work.places[:wanted] if wanted <= work.places.size else np.empty(wanted)
    n = 0
    for i in range(int(work.counts[LIST_PATIENTS])):
        hh = households[work.lists[LIST_PATIENTS, i]]
        for contact in range(int(hh.contacts)):
            places[n] = uniform(key, sec.number, int(hh.ordinal), NOBODY, now, DRAW_SUPPLY, contact)
            n += 1
    return kth_smallest(places, capacity)


def centre_quality(sec: Section, rule: Rule) -> float:
    """Return the quality of care that people see, 0 to 1: staff, drugs and effort, less blame for fraud."""
    staff = min(1.0, rule.staff_adequacy * clinicians(sec, rule))
    equipped = rule.staff_weight * staff + (1.0 - rule.staff_weight) * sec.stock
    effort = rule.effort_weight
    return ((1.0 - effort) * equipped + effort * sec.effort) * (1.0 - sec.blame)


def update_provider(sec: Section, capacity: int, wanted: int, rule: Rule) -> None:
    """Move load, waiting, effort and quality of the section's health centre by one month.

    ``wanted`` are the contacts that its own people wanted here; last month's visitors count as load too.
    """
    demand = wanted + sec.visitors_before
    load_now = demand / capacity if capacity > 0 else (2.0 if demand > 0 else 0.0)
    load = sec.load + rule.load_memory * (min(2.0, load_now) - sec.load)
    sec.load = load
    busy = min(load, MAX_LOAD_IN_WAIT)
    sec.wait_hours = rule.wait_scale_hours * busy / (1.0 - busy)
    paid = rule.performance_rwf / (rule.performance_rwf + rule.performance_half_rwf)
    aim = rule.effort_base + (rule.effort_paid - rule.effort_base) * paid
    if rule.payment == PAY_CAPITATION:
        aim *= 1.0 - rule.capitation_effort_loss
    sec.effort += rule.effort_speed * (aim - sec.effort)
    sec.quality = centre_quality(sec, rule)


def update_blame(sec: Section, share: float) -> None:
    """Let the share of claims found false that people lay at the provider's door sink in, slowly."""
    sec.blame += BLAME_MEMORY * (share - sec.blame)


def refusal_probability(arrears_months: float, slope: float) -> float:
    """Return the probability that a provider turns away a member of a scheme in arrears."""
    return 1.0 - math.exp(-slope * arrears_months)


def induced_factor(sec: Section, rule: Rule) -> float:
    """Return the factor on an insured patient's bill by which a provider paid by fee nears its target income.

    1 + induced share x the gap between target and average revenue, relative to the target; 1 under other
    payments, and until there was a month with revenue.
    """
    target = rule.target_visits * rule.cost_outpatient_rwf * sec.persons
    if rule.payment != PAY_FEE or target <= 0.0 or sec.revenue_average <= 0.0:
        return 1.0
    return 1.0 + rule.induced_share * max(0.0, (target - sec.revenue_average) / target)


def negotiated_discount(members: float, rule: Rule) -> float:
    """Return the discount that a fund of ``members`` real people has bargained for; saturating in size."""
    if rule.tariff_discount <= 0.0 or members <= 0.0:
        return 0.0
    return rule.tariff_discount * rule.members_training * members / (members + rule.tariff_half_size)


def members_of_fund(sec: Section, rule: Rule) -> float:
    """Return the members, in real people, of the fund that pays the section's health-centre bills."""
    return sec.insured / max(1, sec.persons) * rule.persons_per_section * rule.sections_per_fund


def spend(cash_rwf: int, share: float) -> int:
    """Return what a provider spends on running cost this month, RWF; never more than it has."""
    return int(cash_rwf * share)


def running_cost(sec: Section, rule: Rule) -> int:
    """Return what a health centre spends on running cost this month, RWF; never more than it has.

    A part of average revenue is committed, whatever comes in; of what it holds beyond a reserve it spends
    a share. So claims that are not paid leave less for drugs.
    """
    usual = sec.revenue_average if sec.revenue_average > 0.0 else float(sec.revenue_month)
    committed = min(sec.health_centre_cash, to_francs(rule.committed_share * usual))
    free = max(0, sec.health_centre_cash - committed - to_francs(rule.reserve_months * usual))
    return committed + spend(free, rule.running_cost_share)


def receive_performance_payment(sec: Section, served: int, rule: Rule, flows: I8) -> None:
    """Pay the health centre for the contacts it served and their quality."""
    total = to_francs(rule.performance_rwf * served * sec.quality)
    donors = to_francs(total * rule.performance_donor_share)
    flows[PERFORMANCE_DONOR] += donors
    flows[PERFORMANCE_STATE] += total - donors
    sec.health_centre_cash += total
    sec.revenue_month += total


def pay_own_wages(sec: Section, rule: Rule, flows: I8) -> None:
    """Pay the clinicians whom the centre has taken on itself; those it cannot pay leave."""
    due = to_francs(sec.own_posts * rule.salary_rwf)
    paid = min(sec.health_centre_cash, due)
    sec.health_centre_cash -= paid
    flows[OWN_WAGES] += paid
    if paid < due:
        sec.own_posts = paid / rule.salary_rwf


def use_and_order_drugs(sec: Section, used: int, rule: Rule, flows: I8) -> None:
    """Use up doses for ``used`` contacts, buy new ones from the centre's cash, and set availability.

    A centre orders up to some months of its average use, as far as its cash goes; drugs are available in
    proportion to next month's expected contacts, at most fully. The stock of the start is a gift of the
    past, full for the first month with contacts. Where drugs cannot run out, what cash does not pay for
    is there all the same.
    """
    if sec.contacts_average <= 0.0:
        sec.contacts_average = float(used)
        if sec.doses <= 0.0:
            sec.doses = rule.drug_months * used
    else:
        sec.contacts_average += rule.load_memory * (used - sec.contacts_average)
    sec.doses = max(0.0, sec.doses - used)
    full = rule.drug_months * sec.contacts_average
    missing = max(0.0, full - sec.doses)
    price = rule.drug_cost_rwf
    if price > 0.0:
        paid = min(sec.health_centre_cash, to_francs(missing * price))
        sec.health_centre_cash -= paid
        flows[DRUGS] += paid
        sec.doses += paid / price
    if price <= 0.0 or rule.empty_shelves == 0:
        sec.doses = max(sec.doses, full)
        sec.stock = 1.0
    else:
        expected = sec.contacts_average
        sec.stock = min(1.0, sec.doses / expected) if expected > 0.0 else 1.0


def run_health_centre(sec: Section, served: int, rule: Rule, flows: I8) -> None:
    """Pay a health centre for performance, then its running cost, own clinicians and drugs, in this order.

    ``served`` are contacts of the section's own people at home; last month's visitors come on top.
    Afterwards the month's revenue goes into its average.
    """
    contacts = served + sec.visitors_before
    if rule.performance_rwf > 0.0:
        receive_performance_payment(sec, contacts, rule, flows)
    cost = running_cost(sec, rule)
    sec.health_centre_cash -= cost
    flows[RUNNING_COST_HEALTH_CENTRE] += cost
    if sec.own_posts > 0.0:
        pay_own_wages(sec, rule, flows)
    use_and_order_drugs(sec, contacts, rule, flows)
    if sec.revenue_average <= 0.0:
        sec.revenue_average = float(sec.revenue_month)
    else:
        sec.revenue_average += REVENUE_MEMORY * (sec.revenue_month - sec.revenue_average)
    sec.revenue_month = 0


compile_kernels(globals(), allocating=("first_place_refused",))
