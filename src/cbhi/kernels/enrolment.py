"""The premium due, the gain from cover, the wish to join or renew, and payment.

A household acts on its wish in a month with the probability ``attention``. Acting, it weighs

    U = intercept + price_slope * (gain - net premium - hassle) / consumption
      + income_gradient * ln(consumption / mean) + peers + trust + quality + inertia + mobilisation
      + persistent taste + taste of the membership year,

where the gain is for the part of a year that cover would run and holds the sanctions that it avoids, and
where the last part is logistic (standard, unless the rules say otherwise) and fixed for the membership
year, so that acting twice is no second lottery. The gain is the certainty equivalent of the out-of-pocket
spending that cover replaces, to second order, plus the value of care otherwise forgone. Selection comes
from the gain alone: there is no coefficient for it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from cbhi.kernels.codes import (
    BY_CASH,
    BY_GROUP,
    BY_LOAN,
    CONTRIBUTION,
    DECISIONS,
    DRAW_TASTE_MEMBER,
    ENROLMENTS,
    GAUGE_EXPECTED_ENROLLED,
    HOUSEHOLD_MONTHS_SOLD,
    LOANS_REFUSED,
    MIDDLE,
    NO_GROUP,
    PERSONS_BY_CASH,
    PERSONS_BY_GROUP,
    PERSONS_BY_LOAN,
    PERSONS_BY_SUBSIDY,
    PERSONS_ENROLLED,
    POOR_BY_CASH,
    POOR_BY_GROUP,
    POOR_BY_LOAN,
    POOR_BY_SUBSIDY,
    POOREST,
    PREMIUMS_BORROWED,
    RICH,
    RISK_PREMIUM_CAPPED,
    S_BY_CASH,
    S_BY_GROUP,
    S_BY_LOAN,
    S_BY_SUBSIDY,
    S_CONTRIBUTIONS,
    S_SPONSORED,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STANDING_UNAFFORDABLE,
    STANDING_UNWILLING,
    SUBSIDY_DONOR,
    SUBSIDY_NGO,
    SUBSIDY_POOL,
    SUBSIDY_STATE,
    UNIT_GROUP,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.cover import is_recent_member, stratum_of
from cbhi.kernels.draws import uniform
from cbhi.kernels.groups import group_limit, pay_from_group, spare_cash
from cbhi.kernels.health import chance, member_rate, refresh_rates
from cbhi.kernels.income import pay_from_cash_or_debt
from cbhi.kernels.loans import borrow, is_granted, loan_cost, may_borrow
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import (
    F8,
    I8,
    CalendarMonth,
    District,
    Fixed,
    Groups,
    Household,
    Rule,
    Section,
    Table,
)

# what associations have to do with a household's enrolment in one month
GATE_FREE = 0  # nothing
GATE_SHUT = 1  # its association has not voted for cover
GATE_ALONE = 2  # it must join an association first
GATE_VOTED = 3  # its association is for cover, and it may decide
GATE_BOUND = 4  # its association is for cover, and so it is
# nothing would pay a household's own part; otherwise codes.BY_*
NO_MEANS = -1
# a household that wishes for cover waits for an association, or has been put into one for its wish
WANTS_GROUP = 1
FOUND_GROUP = 2


def premium_rwf(rule: Rule, category: int) -> int:
    """Return the premium per person of a category, or per household, in force, RWF."""
    if category == POOREST:
        return int(rule.premium_poorest_rwf)
    if category == MIDDLE:
        return int(rule.premium_middle_rwf)
    return int(rule.premium_rich_rwf)


def premium_due(hh: Household, rule: Rule, factor: float) -> int:
    """Return the premium of the whole household for one membership year, RWF.

    ``factor`` is the section's premium relative to the schedule; what one person, or one household, owes
    is a whole number of francs.
    """
    n = int(hh.n_members)
    if rule.premium_by_household != 0:
        covers = rule.household_covers
        return to_francs(premium_rwf(rule, MIDDLE) * factor) * ((n + covers - 1) // covers)
    return to_francs(premium_rwf(rule, int(hh.listed_category)) * factor) * n


class Prices(NamedTuple):
    """What cover of one person costs, by listed category, or of one household of at most ``covers``, RWF."""

    poorest: int
    middle: int
    rich: int
    covers: int


def prices_of(rule: Rule, factor: float) -> Prices:
    """Return the prices of a section whose premiums are ``factor`` times the schedule's."""
    middle = to_francs(premium_rwf(rule, MIDDLE) * factor)
    if rule.premium_by_household != 0:
        return Prices(middle, middle, middle, int(rule.household_covers))
    poorest = to_francs(premium_rwf(rule, POOREST) * factor)
    return Prices(poorest, middle, to_francs(premium_rwf(rule, RICH) * factor), 1)


def due_at(hh: Household, prices: Prices) -> int:
    """Return what ``premium_due`` does, at a section's prices; without branches, for loops."""
    price = prices.middle if int(hh.listed_category) == MIDDLE else prices.rich
    price = prices.poorest if int(hh.listed_category) == POOREST else price
    # exact: both are small
    return price * int((int(hh.n_members) + prices.covers - 1) / prices.covers)


def premium_of_person(hh: Household, rule: Rule, factor: float) -> int:
    """Return the premium of one person, RWF; of a household's premium an equal part, rounded up."""
    if rule.premium_by_household != 0:
        n = int(hh.n_members)
        return (premium_due(hh, rule, factor) + n - 1) // n
    return to_francs(premium_rwf(rule, int(hh.listed_category)) * factor)


def subsidy_of(due: int, rule: Rule) -> int:
    """Return the part of a premium that a subsidy slot pays, RWF."""
    return min(due, to_francs(due * rule.subsidy_premium_share))


def perceived_rate(rate: float, public_rate: float, private_information: float) -> float:
    """Return the rate a household reckons with: own rate where informed, else the public one.

    Geometric, ``ln r = psi ln own + (1 - psi) ln public``; psi = 0 removes all selection.
    """
    if rate <= 0.0 or public_rate <= 0.0:
        return 0.0
    if private_information <= 0.0:
        return public_rate
    return public_rate * math.exp(private_information * math.log(rate / public_rate))


def value_of_cover(
    rate: float,
    odds_uninsured: float,
    odds_severe_uninsured: float,
    odds_insured: float,
    odds_severe_insured: float,
    service: float,
    consumption: float,
    rule: Rule,
    fixed: Fixed,
) -> tuple[float, float, float, bool]:
    """Return (expected saving, risk premium, access value, cap bound) of a year's cover, RWF.

    The saving is the difference of expected out-of-pocket spending at the use of each state; the risk
    premium is half the absolute risk aversion (relative risk aversion over annual consumption) times the
    difference of variances, compound Poisson with the shared frailty that the household does not know,
    capped at a multiple of expected spending without cover; the access value is the value of contacts
    that cover makes possible.
    """
    severe = rule.severe_share
    admitted = rule.admission_if_severe
    fee = rule.fee_outpatient_rwf
    fee_admission = rule.fee_admission_rwf
    cost = rule.cost_outpatient_rwf
    cost_admission = rule.cost_admission_rwf
    copayment = min(rule.copayment_rwf, cost)
    part = rule.outpatient_coinsurance * (cost - copayment)
    own = copayment + part
    own_admission = rule.coinsurance_share * cost_admission
    p_u = (1.0 - severe) * chance(odds_uninsured, service)
    p_i = (1.0 - severe) * chance(odds_insured, service)
    s_u = severe * chance(odds_severe_uninsured, service)
    s_i = severe * chance(odds_severe_insured, service)
    mean_u = (p_u + s_u) * fee + s_u * admitted * fee_admission
    mean_i = (p_i + s_i) * own + s_i * admitted * own_admission
    # second moments of one contact's spending: bills vary, independently of each other, a co-payment does
    # not (a bill below it, which caps it, is left out of account)
    spread = 1.0 + fixed.cost_cv2
    square_u = (p_u + s_u) * spread * fee * fee + s_u * admitted * fee_admission * (
        2.0 * fee + spread * fee_admission
    )
    square_own = (p_i + s_i) * copayment * copayment + (p_i + s_i) * part * (2.0 * copayment + spread * part)
    square_i = square_own + s_i * admitted * own_admission * (2.0 * own + spread * own_admission)
    saving = rate * (mean_u - mean_i)
    unknown = fixed.shared_frailty_variance * (1.0 - rule.private_information)
    variance = rate * (square_u - square_i) + unknown * rate * rate * (mean_u * mean_u - mean_i * mean_i)
    risk = 0.5 * rule.risk_aversion / max(consumption, 1.0) * variance
    limit = rule.risk_premium_cap * rate * mean_u
    capped = risk > limit
    if capped:
        risk = limit
    access = (
        rate * rule.access_value * ((p_i - p_u) * cost + (s_i - s_u) * (cost + admitted * cost_admission))
    )
    return saving, risk, access, capped


def expected_sanction(monthly_income: float, enforcement: float, rule: Rule) -> float:
    """Return the yearly cost that an uninsured household expects from the mandate, RWF."""
    if rule.compulsory == 0:
        return 0.0
    fine = rule.enforcement_max * enforcement * rule.penalty_rwf
    gate = 12.0 * rule.gate_probability * rule.gate_cost_share * monthly_income
    return fine + enforcement * gate


class Outlook(NamedTuple):
    """What all households of a section have before them alike when they think of cover in a month."""

    service: float  # factor on the odds of seeking care
    honoured: float  # share of contacts in which members find their cover honoured
    from_quality: float  # logits
    from_mobilisation: float


def outlook_of(sec: Section, service: float, rule: Rule) -> Outlook:
    """Return the outlook of a section's households, as things stand."""
    return Outlook(
        service,
        honoured_share(sec, rule),
        rule.quality_weight * (sec.quality - 0.5),
        rule.mobilisation_weight * rule.mobilisation_effort * sec.enforcement,
    )


def social_parts(
    hh: Household, sec: Section, gg: Groups, outlook: Outlook, now: int, rule: Rule
) -> tuple[float, float, float, float, float]:
    """Return what peers, trust, quality of care, habit and mobilisation add to utility, logits."""
    peers = sec.member_share
    recent = is_recent_member(hh, now)
    if int(hh.group) != NO_GROUP:
        g = sec.group_first + int(hh.group)
        # the others of the association
        own = 1 if recent else 0
        in_group = max(0, int(gg.recent[g]) - own) / max(1, int(gg.eligible[g]) - 1)
        weight = rule.group_share_of_peers
        peers = (1.0 - weight) * peers + weight * in_group
    trust = min(1.0, max(0.0, sec.trust + float(hh.trust_offset)))
    habit = rule.inertia if recent else 0.0
    return (
        rule.peer_weight * peers,
        rule.trust_weight * (trust - 0.5),
        outlook.from_quality,
        habit,
        outlook.from_mobilisation,
    )


def social_terms(hh: Household, sec: Section, gg: Groups, outlook: Outlook, now: int, rule: Rule) -> float:
    """Return the part of utility that comes from others: peers, trust, quality, habit, mobilisation."""
    peers, trust, quality, habit, mobilisation = social_parts(hh, sec, gg, outlook, now, rule)
    return peers + trust + quality + habit + mobilisation


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def choice_probability(utility: float, rule: Rule) -> float:
    """Return the probability, over the taste of the year, that utility and taste together are positive.

    The taste is logistic, or uniform around zero; at scale 0 there is none.
    """
    scale = rule.taste_scale
    if scale <= 0.0:
        return 1.0 if utility > 0.0 else 0.0
    if rule.taste_is_uniform != 0:
        return min(1.0, max(0.0, 0.5 + utility / scale))
    return logistic(utility / scale)


def honoured_share(sec: Section, rule: Rule) -> float:
    """Return the part of their contacts in which members find their cover honoured, as things stand."""
    if sec.suspended != 0:
        return 0.0
    return math.exp(-rule.refusal_slope * sec.arrears)


class Weighed(NamedTuple):
    """What a year's cover is worth to those who decide, RWF, whatever it costs; see ``weigh_cover``."""

    reckoned: float  # episodes a year
    saving: float
    risk_premium: float
    access: float
    sanction: float
    worth: float  # all of these, for the part of a year that cover would run
    hassle: float
    consumption: float
    capped: bool


# of those who are not asked what cover is worth to them
UNWEIGHED = Weighed(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, False)


def rate_of_household(hh: Household) -> float:
    """Return episodes a year of all members."""
    # the sum in double precision, compiled or not
    return 1.0 * float(hh.rate_enrolled) + 1.0 * float(hh.rate_other)


def weigh_cover(
    hh: Household,
    rate: float,
    n_persons: int,
    outlook: Outlook,
    sec: Section,
    cover_share: float,
    rule: Rule,
    fixed: Fixed,
) -> Weighed:
    """Return what cover is worth to ``n_persons`` who decide together, and what goes into it.

    They reckon with their own rate, against their equal part of the household's consumption, hassle and
    sanction. ``cover_share`` is the part of a year for which cover would run. Benefits count as far as the
    scheme's arrears let providers honour them.
    """
    n = max(1, int(hh.n_members))
    part = 1.0 if n_persons == n else n_persons / n
    consumption = part * 12.0 * max(1.0, float(hh.income))
    public_rate = rule.need_rate * n_persons
    reckoned = perceived_rate(rate, public_rate, rule.private_information)
    saving, risk, access, capped = value_of_cover(
        reckoned,
        float(hh.odds_uninsured),
        float(hh.odds_severe_uninsured),
        float(hh.odds_insured),
        float(hh.odds_severe_insured),
        outlook.service,
        consumption,
        rule,
        fixed,
    )
    benefits = outlook.honoured * (saving + risk + access)
    sanction = part * expected_sanction(float(hh.income), sec.enforcement, rule)
    worth = cover_share * (benefits + sanction)
    return Weighed(
        reckoned, saving, risk, access, sanction, worth, part * rule.hassle_rwf, consumption, capped
    )


def net_gain(weighed: Weighed, net_premium: float) -> float:
    """Return what cover is worth beyond its net premium, due in full, and the hassle, RWF."""
    return weighed.worth - net_premium - weighed.hassle


def income_term(hh: Household, rule: Rule) -> float:
    """Return what consumption relative to its mean adds to utility, logits."""
    sd = rule.consumption_sd
    return rule.income_gradient * (sd * float(hh.z) - 0.5 * sd * sd)


def wish_probability(hh: Household, weighed: Weighed, net_premium: float, social: float, rule: Rule) -> float:
    """Return the probability, over the taste of the year, of wishing for cover at this net premium.

    The premium is that of all who decide together; ``social`` are the social terms.
    """
    utility = (
        rule.intercept
        + rule.price_slope * net_gain(weighed, net_premium) / weighed.consumption
        + income_term(hh, rule)
        + social
        + float(hh.taste)
    )
    return choice_probability(utility, rule)


def cover_period(
    cover_until: int, now: int, cal: CalendarMonth, waiting_months: int
) -> tuple[int, int, bool]:
    """Return (from, until, continuing) of the cover bought by paying at the end of month ``now``.

    Cover that continues without a gap has no waiting period; otherwise benefits start after it, and not
    before the membership year does.
    """
    if cal.is_rolling != 0:
        if cover_until == now + 1:
            return now + 1, cover_until + 12, True
        start = now + 1 + waiting_months
        return start, start + 12, False
    year_start = cal.sale_from
    until = cal.sale_until
    if cover_until >= max(year_start, now + 1):
        return cover_until, until, True
    return max(year_start, now + 1 + waiting_months), until, False


def waiting_due(cover_until: int, now: int, rule: Rule) -> int:
    """Return the waiting period of a buyer, months: none within the grace period after expiry."""
    if cover_until > 0 and now + 1 - cover_until <= rule.grace_months:
        return 0
    return int(rule.waiting_months)


def year_share(start: int, until: int) -> float:
    """Return the part of a year that a buyer reckons cover to run, at most one."""
    return min(1.0, (until - start) / 12.0)


def may_buy(cover_until: int, now: int, cal: CalendarMonth) -> bool:
    """Return whether a household with this cover has something to buy this month."""
    if cal.is_open == 0:
        return False
    if cal.is_rolling != 0:
        return cover_until <= now + 1
    if now + 1 < cover_until < cal.sale_from:
        # running cover would be cut short by a policy that starts after a gap
        return False
    return cover_until < cal.sale_until


def may_seek_cover(hh: Household, now: int, cal: CalendarMonth) -> bool:
    """Return whether a household has something to buy this month.

    Slots are allotted when the membership year starts: a holder of this year's does not buy ahead.
    """
    if hh.formal != 0 or (cal.before_start != 0 and hh.subsidised != 0):
        return False
    return may_buy(int(hh.cover_until), now, cal)


def book_subsidy(sec: Section, dist: District, sponsored: int, rule: Rule, flows: I8) -> None:
    """Move the sponsors' part of a premium into the section's fund.

    What the pool cannot bear of its part, the state bears.
    """
    state = to_francs(sponsored * rule.subsidy_state_share)
    donor = min(sponsored - state, to_francs(sponsored * rule.subsidy_donor_share))
    from_pool = min(sponsored - state - donor, to_francs(sponsored * rule.subsidy_pool_share))
    pool = min(from_pool, max(0, int(dist.pool) + int(dist.pool_credit)))
    flows[SUBSIDY_STATE] += state + from_pool - pool
    flows[SUBSIDY_DONOR] += donor
    flows[SUBSIDY_POOL] += pool
    flows[SUBSIDY_NGO] += sponsored - state - donor - from_pool
    dist.pool -= pool
    sec.subsidy_left -= sponsored
    sec.fund += sponsored


def pay_premium(
    hh: Household,
    sec: Section,
    dist: District,
    gg: Groups,
    own_part: int,
    sponsored: int,
    by: int,
    waiting: int,
    rule: Rule,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Move the household's part and the sponsors' part of a premium into the section's fund.

    ``by`` says what the own part is paid from (codes.BY_*; the money of a loan is in the cash already),
    and ``waiting`` is the household's part of its association's need.
    """
    if by == BY_GROUP:
        pay_from_group(hh, sec, dist, gg, own_part, waiting, flows)
    else:
        if own_part > int(hh.cash):
            tallies[PREMIUMS_BORROWED] += 1
        pay_from_cash_or_debt(hh, own_part, flows)
        flows[CONTRIBUTION] += own_part
        sec.fund += own_part
    stratum = stratum_of(hh)
    strata[stratum, S_CONTRIBUTIONS] += own_part
    strata[stratum, S_SPONSORED] += sponsored
    hh.financed_by = by
    hh.sponsored = 1 if sponsored > 0 else 0
    if sponsored > 0:
        book_subsidy(sec, dist, sponsored, rule, flows)


def start_cover(
    hh: Household,
    mm: Table,
    start: int,
    until: int,
    continuing: bool,
    now: int,
    rule: Rule,
    fixed: Fixed,
    tallies: I8,
) -> None:
    """Write the policy into the household's state and count it."""
    if not continuing:
        hh.cover_from = start
    tallies[HOUSEHOLD_MONTHS_SOLD] += until - start
    hh.cover_until = until
    enrolled = 0
    for k in range(int(hh.n_members)):
        enrolled += int(mm[k].enrolled)
    hh.n_enrolled = enrolled
    refresh_rates(hh, mm, now, rule, fixed)
    tallies[ENROLMENTS] += 1
    tallies[PERSONS_ENROLLED] += enrolled


def count_means(hh: Household, own_part: int, sponsored: int, strata: I8, tallies: I8) -> None:
    """Count the persons just enrolled by what paid their household's part of the premium."""
    persons = int(hh.n_enrolled)
    poor = hh.category == POOREST
    if own_part == 0 and sponsored > 0:
        tallies[PERSONS_BY_SUBSIDY] += persons
        tallies[POOR_BY_SUBSIDY] += persons if poor else 0
        strata[stratum_of(hh), S_BY_SUBSIDY] += persons
    elif hh.financed_by == BY_GROUP:
        tallies[PERSONS_BY_GROUP] += persons
        tallies[POOR_BY_GROUP] += persons if poor else 0
        strata[stratum_of(hh), S_BY_GROUP] += persons
    elif hh.financed_by == BY_LOAN:
        tallies[PERSONS_BY_LOAN] += persons
        tallies[POOR_BY_LOAN] += persons if poor else 0
        strata[stratum_of(hh), S_BY_LOAN] += persons
    else:
        tallies[PERSONS_BY_CASH] += persons
        tallies[POOR_BY_CASH] += persons if poor else 0
        strata[stratum_of(hh), S_BY_CASH] += persons


def taste_month(now: int, cal: CalendarMonth) -> int:
    """Return the month that keys the taste of the membership year on sale."""
    if cal.is_rolling != 0:
        return now - now % 12
    return cal.sale_from


def standing_of_year(hh: Household, cal: CalendarMonth) -> tuple[int, float]:
    """Return what became of the household in the membership year on sale, and its highest wish in it."""
    if cal.before_start != 0:
        return int(hh.standing_next), float(hh.wish_next)
    if hh.standing == STANDING_PAID:
        # rolling cover about to end: the decision is about a new year
        return STANDING_INATTENTIVE, 0.0
    return int(hh.standing), float(hh.wish)


def is_waiting(hh: Household, cal: CalendarMonth) -> bool:
    """Return whether a household wishes for cover in the membership year on sale and could not pay so far."""
    standing, _ = standing_of_year(hh, cal)
    return standing == STANDING_UNAFFORDABLE


def note_outcome(hh: Household, cal: CalendarMonth, standing: int, wish: float) -> None:
    """Keep what became of a decision, and the highest probability behind it, for its membership year."""
    if cal.before_start != 0:
        hh.standing_next = standing
        hh.wish_next = wish
    else:
        hh.standing = standing
        hh.wish = wish


def chance_of_turning(probability: float, highest: float, standing: int) -> float:
    """Return the probability of wishing now, given how earlier decisions of the year turned out.

    The taste of the year is one uniform draw u, and a household wishes when u < probability. One that was
    unwilling at ``highest`` has u above it; one that wished and could not pay keeps wishing.
    """
    if standing == STANDING_UNAFFORDABLE:
        return 1.0
    if standing == STANDING_UNWILLING:
        return max(0.0, probability - highest) / max(1.0 - highest, 1e-12)
    return probability


def expected_joining(
    probability: float, highest: float, standing: int, is_known: bool, taste: float
) -> float:
    """Return the expectation of joining over what is not known yet of the taste of the year.

    Where others have acted on the household's taste already, by a vote or a new association, or where it
    waits with its wish, the taste is known and the expectation is 0 or 1.
    """
    if is_known or standing == STANDING_UNAFFORDABLE:
        return 1.0 if taste < probability else 0.0
    return chance_of_turning(probability, highest, standing)


def has_agreed(agreed_until: int, now: int, cal: CalendarMonth) -> bool:
    """Return whether an association's agreement holds for the membership year on sale."""
    if cal.is_rolling != 0:
        return agreed_until > now
    return bool(agreed_until >= cal.sale_until)


def group_gate(hh: Household, sec: Section, gg: Groups, now: int, cal: CalendarMonth, rule: Rule) -> int:
    """Return what associations have to do with a household's enrolment this month (GATE_*)."""
    if int(hh.group) == NO_GROUP:
        return GATE_ALONE if rule.group_required != 0 else GATE_FREE
    if rule.enrolment_unit != UNIT_GROUP and rule.group_minimum_share <= 0.0:
        return GATE_FREE
    if not has_agreed(int(gg.agreed_until[sec.group_first + int(hh.group)]), now, cal):
        return GATE_SHUT
    return GATE_BOUND if rule.enrolment_unit == UNIT_GROUP else GATE_VOTED


def sponsored_part(hh: Household, sec: Section, due: int, price_rule: Rule) -> int:
    """Return what sponsors would pay of a premium now, RWF: the slot's part, or nothing without money."""
    if hh.subsidised == 0:
        return 0
    sponsored = subsidy_of(due, price_rule)
    return sponsored if sponsored <= sec.subsidy_left else 0


def waiting_part(hh: Household, sec: Section, cal: CalendarMonth, price_rule: Rule) -> int:
    """Return what a household that wishes for cover and could not pay so far would need now, RWF."""
    if not is_waiting(hh, cal):
        return 0
    due = premium_due(hh, price_rule, sec.premium_factor)
    return due - sponsored_part(hh, sec, due, price_rule)


def means_of(
    hh: Household,
    sec: Section,
    dist: District,
    gg: Groups,
    own_part: int,
    waiting: int,
    now: int,
    rule: Rule,
) -> int:
    """Return what would pay a household's own part, in this order: cash, association, loan (BY_*)."""
    if rule.cash_gate == 0 or own_part <= max(0, spare_cash(hh, rule)):
        return BY_CASH
    if own_part <= group_limit(hh, sec, dist, gg, waiting, rule):
        return BY_GROUP
    if may_borrow(hh, sec, gg, now, rule):
        return BY_LOAN
    return NO_MEANS


def is_kept_waiting(hh: Household, gate: int) -> bool:
    """Return whether associations keep a household from deciding this month."""
    return gate == GATE_SHUT or (gate == GATE_ALONE and hh.wants_group == WANTS_GROUP)


def ask_for_group(hh: Household, cal: CalendarMonth, wishes: bool, wish: float) -> None:
    """Let a household outside any association, where one is required, ask for one if it wishes for cover."""
    if wishes:
        hh.wants_group = WANTS_GROUP
    note_outcome(hh, cal, STANDING_INATTENTIVE if wishes else STANDING_UNWILLING, wish)


def finance(
    hh: Household,
    sec: Section,
    by: int,
    before: int,
    part: int,
    weighed: Weighed,
    social: float,
    now: int,
    probability: float,
    rule: Rule,
    key: tuple[int, int],
) -> tuple[bool, float]:
    """Return (to be had, probability of wishing for cover at what the means ``by`` cost).

    ``part`` is owed by those who decide, on top of ``before`` for members who decided already. A loan makes
    cover dearer by its cost; whether it would be granted is known before it is asked for.
    """
    if by != BY_LOAN:
        return by != NO_MEANS, probability
    amount = before + part - max(0, spare_cash(hh, rule))
    cost = loan_cost(min(part, amount), rule)
    dear = wish_probability(hh, weighed, float(part + cost), social, rule)
    return is_granted(hh, sec, amount, now, key), min(probability, dear)


def decide_household(
    hh: Household,
    sec: Section,
    dist: District,
    gg: Groups,
    own_part: int,
    waiting: int,
    gate: int,
    unasked: bool,
    now: int,
    outlook: Outlook,
    cover_share: float,
    taste: float,
    cal: CalendarMonth,
    rule: Rule,
    fixed: Fixed,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> int:
    """Let a household wish and find means; return what pays its own part (BY_*), or NO_MEANS.

    ``taste`` is the draw of the membership year. A loan is paid out here. A household that is registered at
    no cost, or bound by a vote, wishes.
    """
    n = int(hh.n_members)
    standing, highest = standing_of_year(hh, cal)
    certain = unasked or gate == GATE_BOUND
    is_asked = standing != STANDING_UNAFFORDABLE and not certain
    by = means_of(hh, sec, dist, gg, own_part, waiting, now, rule)
    probability = 1.0
    social = 0.0
    weighed = UNWEIGHED
    if is_asked or by == BY_LOAN:
        social = social_terms(hh, sec, gg, outlook, now, rule)
        weighed = weigh_cover(hh, rate_of_household(hh), n, outlook, sec, cover_share, rule, fixed)
    if is_asked:
        probability = wish_probability(hh, weighed, float(own_part), social, rule)
        tallies[DECISIONS] += 1
        tallies[RISK_PREMIUM_CAPPED] += 1 if weighed.capped else 0
    if gate == GATE_ALONE:
        ask_for_group(hh, cal, taste < probability, max(probability, highest))
        return NO_MEANS
    to_be_had, at_cost = finance(hh, sec, by, 0, own_part, weighed, social, now, probability, rule, fixed.key)
    if certain:
        at_cost = 1.0
    if to_be_had:
        # the expectation of the enrolment, given everything but the taste of the year
        is_known = gate == GATE_VOTED or hh.wants_group != 0
        gauges[GAUGE_EXPECTED_ENROLLED] += n * expected_joining(at_cost, highest, standing, is_known, taste)
    if taste >= probability:
        note_outcome(hh, cal, STANDING_UNWILLING, max(probability, highest))
        return NO_MEANS
    hh.wants_group = 0
    if by == BY_LOAN:
        short = own_part - max(0, spare_cash(hh, rule))
        if taste >= at_cost or not borrow(hh, sec, dist, short, now, rule, fixed.key, flows, tallies):
            by = NO_MEANS
    note_outcome(hh, cal, STANDING_UNAFFORDABLE if by == NO_MEANS else STANDING_PAID, probability)
    return by


def confirm(
    hh: Household,
    mm: Table,
    sec: Section,
    dist: District,
    gg: Groups,
    own_part: int,
    sponsored: int,
    by: int,
    waiting: int,
    period: tuple[int, int, bool],
    now: int,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    strata: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Pay the premium, start the cover of the members marked as enrolled, and count what paid for it."""
    pay_premium(hh, sec, dist, gg, own_part, sponsored, by, waiting, price_rule, strata, flows, tallies)
    start_cover(hh, mm, period[0], period[1], period[2], now, rule, fixed, tallies)
    count_means(hh, own_part, sponsored, strata, tallies)


def seek_cover_as_household(
    hh: Household,
    mm: Table,
    sec: Section,
    dist: District,
    gg: Groups,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    registered: bool,
    taste: float,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let a household decide on cover for all its members, and pay.

    ``registered`` households hold a subsidy slot and were enrolled by the authorities unasked. ``taste`` is
    the draw of the membership year on sale, at the address (household, ``taste_month``, DRAW_TASTE).
    """
    period = cover_period(int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule))
    if period[0] >= period[1]:
        return
    due = premium_due(hh, price_rule, sec.premium_factor)
    sponsored = sponsored_part(hh, sec, due, price_rule)
    own_part = due - sponsored
    unasked = registered and own_part == 0
    gate = GATE_FREE if unasked else group_gate(hh, sec, gg, now, cal, rule)
    if is_kept_waiting(hh, gate):
        return
    waiting = waiting_part(hh, sec, cal, price_rule)
    share = year_share(period[0], period[1])
    by = decide_household(
        hh, sec, dist, gg, own_part, waiting, gate, unasked, now, outlook, share, taste, cal, rule,
        fixed, flows, tallies, gauges,
    )  # fmt: skip
    if by == NO_MEANS:
        return
    for k in range(int(hh.n_members)):
        mm[k].enrolled = 1
    confirm(
        hh, mm, sec, dist, gg, own_part, sponsored, by, waiting, period, now, rule, price_rule, fixed,
        strata, flows, tallies,
    )  # fmt: skip


def decide_member(
    hh: Household,
    mm: Table,
    k: int,
    sec: Section,
    dist: District,
    gg: Groups,
    before: int,
    part: int,
    waiting: int,
    gate: int,
    social: float,
    standing: int,
    now: int,
    outlook: Outlook,
    cover_share: float,
    cal: CalendarMonth,
    rule: Rule,
    fixed: Fixed,
    tallies: I8,
    gauges: F8,
) -> tuple[bool, int]:
    """Return whether member ``k`` wishes for cover, and what would pay for the members so far, or NO_MEANS.

    ``before`` is the own part of the members before it who join, ``part`` its own.
    """
    rate = member_rate(hh, mm, k, now, rule, fixed)
    weighed = weigh_cover(hh, rate, 1, outlook, sec, cover_share, rule, fixed)
    probability = wish_probability(hh, weighed, float(part), social, rule)
    tallies[DECISIONS] += 1
    tallies[RISK_PREMIUM_CAPPED] += 1 if weighed.capped else 0
    month = taste_month(now, cal)
    taste = uniform(fixed.key, sec.number, int(hh.ordinal), int(mm[k].ordinal), month, DRAW_TASTE_MEMBER, 0)
    if gate == GATE_ALONE:
        return taste < probability, NO_MEANS
    by = means_of(hh, sec, dist, gg, before + part, waiting, now, rule)
    to_be_had, at_cost = finance(
        hh, sec, by, before, part, weighed, social, now, probability, rule, fixed.key
    )
    if to_be_had:
        is_known = gate == GATE_VOTED or hh.wants_group != 0
        gauges[GAUGE_EXPECTED_ENROLLED] += expected_joining(at_cost, 0.0, standing, is_known, taste)
    elif by == BY_LOAN and taste < at_cost:
        tallies[LOANS_REFUSED] += 1
    return taste < probability, by if to_be_had and taste < at_cost else NO_MEANS


def seek_cover_as_persons(
    hh: Household,
    mm: Table,
    sec: Section,
    dist: District,
    gg: Groups,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    strata: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let each member decide alone, in order of slots; the household pays once a membership year.

    Each member's utility has the household's social terms, the member's own risk against an equal part
    of the household's consumption, and a taste of its own. A slot pays for the members who wish. Means
    are those of the household, for the joint bill. One in which nobody wished does not think again that
    year.
    """
    standing, _ = standing_of_year(hh, cal)
    period = cover_period(int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule))
    gate = group_gate(hh, sec, gg, now, cal, rule)
    if standing == STANDING_UNWILLING or period[0] >= period[1] or is_kept_waiting(hh, gate):
        return
    due = premium_of_person(hh, price_rule, sec.premium_factor)
    sponsored_each = subsidy_of(due, price_rule) if hh.subsidised != 0 else 0
    social = social_terms(hh, sec, gg, outlook, now, rule)
    share = year_share(period[0], period[1])
    waiting = waiting_part(hh, sec, cal, price_rule)
    by, own_part, sponsored, n_wishing, n_enrolled = NO_MEANS, 0, 0, 0, 0
    for k in range(int(hh.n_members)):
        paid_for = sponsored_each if sponsored + sponsored_each <= sec.subsidy_left else 0
        wishes, means = decide_member(
            hh, mm, k, sec, dist, gg, own_part, due - paid_for, waiting, gate, social, standing, now,
            outlook, share, cal, rule, fixed, tallies, gauges,
        )  # fmt: skip
        n_wishing += 1 if wishes else 0
        mm[k].enrolled = 0
        if means != NO_MEANS:
            # what pays for more members pays for those before too
            by = means
            own_part += due - paid_for
            sponsored += paid_for
            mm[k].enrolled = 1
            n_enrolled += 1
    hh.n_enrolled = n_enrolled
    if gate == GATE_ALONE:
        ask_for_group(hh, cal, n_wishing > 0, 0.0)
    elif n_enrolled == 0:
        note_outcome(hh, cal, STANDING_UNWILLING if n_wishing == 0 else STANDING_UNAFFORDABLE, 0.0)
    if n_enrolled == 0:
        refresh_rates(hh, mm, now, rule, fixed)
        return
    if by == BY_LOAN:
        # granted: the same lot, and no more than was asked about above
        borrow(hh, sec, dist, own_part - max(0, spare_cash(hh, rule)), now, rule, fixed.key, flows, tallies)
    hh.wants_group = 0
    note_outcome(hh, cal, STANDING_PAID, 0.0)
    confirm(
        hh, mm, sec, dist, gg, own_part, sponsored, by, waiting, period, now, rule, price_rule, fixed,
        strata, flows, tallies,
    )  # fmt: skip


compile_kernels(globals())
