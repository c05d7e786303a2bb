"""The premium due, the gain from cover, the wish to join or renew, and payment.

A household acts on its wish in a month with the probability ``attention``. Acting, it weighs

    U = intercept + price_slope * (gain - net premium - hassle) / consumption
      + income_gradient * ln(consumption / mean) + peers + trust + quality + inertia + mobilisation
      + persistent taste + taste of the membership year,

where the gain is for the part of a year that cover would run and holds the sanctions that it avoids, and
where the last part is standard logistic and fixed for the membership year, so that acting twice is no
second lottery. The gain is the certainty equivalent of the out-of-pocket spending that cover replaces,
to second order, plus the value of care otherwise forgone. Selection comes from the gain alone: there
is no coefficient for it.
"""

from __future__ import annotations

import math

from cbhi.kernels.codes import (
    CONTRIBUTION,
    DECISIONS,
    DRAW_TASTE,
    DRAW_TASTE_MEMBER,
    ENROLMENTS,
    GAUGE_EXPECTED_ENROLLED,
    HOUSEHOLD_MONTHS_SOLD,
    MIDDLE,
    NO_GROUP,
    PERSONS_ENROLLED,
    POOREST,
    PREMIUMS_BORROWED,
    Q_CONTRIBUTIONS,
    RISK_PREMIUM_CAPPED,
    STANDING_INATTENTIVE,
    STANDING_PAID,
    STANDING_UNAFFORDABLE,
    STANDING_UNWILLING,
    SUBSIDY_DONOR,
    SUBSIDY_NGO,
    SUBSIDY_STATE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.health import chance, member_rate, refresh_rates
from cbhi.kernels.income import pay_from_cash_or_debt
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import F8, I8, CalendarMonth, Fixed, Groups, Household, Rule, Section, Table


def premium_rwf(rule: Rule, category: int) -> int:
    """Return the premium per person of a category, or per household, in force, RWF."""
    if category == POOREST:
        return int(rule.premium_poorest_rwf)
    if category == MIDDLE:
        return int(rule.premium_middle_rwf)
    return int(rule.premium_rich_rwf)


def premium_due(hh: Household, rule: Rule) -> int:
    """Return the premium of the whole household for one membership year, RWF."""
    n = int(hh.n_members)
    if rule.premium_by_household != 0:
        covers = rule.household_covers
        return premium_rwf(rule, MIDDLE) * ((n + covers - 1) // covers)
    return premium_rwf(rule, int(hh.listed_category)) * n


def premium_of_person(hh: Household, rule: Rule) -> int:
    """Return the premium of one person, RWF; of a household's premium an equal part, rounded up."""
    if rule.premium_by_household != 0:
        n = int(hh.n_members)
        return (premium_due(hh, rule) + n - 1) // n
    return premium_rwf(rule, int(hh.listed_category))


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
    own = min(rule.copayment_rwf, cost)
    own_admission = rule.coinsurance_share * cost_admission
    p_u = (1.0 - severe) * chance(odds_uninsured, service)
    p_i = (1.0 - severe) * chance(odds_insured, service)
    s_u = severe * chance(odds_severe_uninsured, service)
    s_i = severe * chance(odds_severe_insured, service)
    mean_u = (p_u + s_u) * fee + s_u * admitted * fee_admission
    mean_i = (p_i + s_i) * own + s_i * admitted * own_admission
    # second moments of one contact's spending: bills vary, independently of each other, a co-payment does not
    spread = 1.0 + fixed.cost_cv2
    square_u = (p_u + s_u) * spread * fee * fee + s_u * admitted * fee_admission * (
        2.0 * fee + spread * fee_admission
    )
    square_i = (p_i + s_i) * own * own + s_i * admitted * own_admission * (2.0 * own + spread * own_admission)
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


def social_terms(hh: Household, sec: Section, gg: Groups, now: int, rule: Rule) -> float:
    """Return the part of utility that comes from others: peers, trust, quality, habit, mobilisation."""
    peers = sec.member_share
    if int(hh.group) != NO_GROUP:
        g = sec.group_first + int(hh.group)
        # the others of the association
        own = 1 if is_recent_member(hh, now) else 0
        in_group = max(0, int(gg.recent[g]) - own) / max(1, int(gg.eligible[g]) - 1)
        weight = rule.group_share_of_peers
        peers = (1.0 - weight) * peers + weight * in_group
    trust = min(1.0, max(0.0, sec.trust + float(hh.trust_offset)))
    habit = rule.inertia if is_recent_member(hh, now) else 0.0
    return (
        rule.peer_weight * peers
        + rule.trust_weight * (trust - 0.5)
        + rule.quality_weight * (sec.quality - 0.5)
        + habit
        + rule.mobilisation_weight * rule.mobilisation_effort * sec.enforcement
    )


def is_recent_member(hh: Household, now: int) -> bool:
    """Return whether the household had cover in this month or one of the twelve before."""
    return int(hh.cover_until) > 0 and int(hh.cover_until) + 11 >= now


def is_paid_up(hh: Household, now: int) -> bool:
    """Return whether a policy has been bought that includes this month, its waiting period counted in.

    A policy bought ahead for a membership year that has not begun does not count yet.
    """
    bought_ahead = int(hh.cover_from) > now and hh.standing_next == STANDING_PAID
    return int(hh.cover_until) > now and hh.formal == 0 and not bought_ahead


def logistic(x: float) -> float:
    """Return 1 / (1 + exp(-x)) without overflow."""
    if x >= 0.0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def wish_probability(
    hh: Household,
    rate: float,
    n_persons: int,
    net_premium: float,
    social: float,
    service: float,
    enforcement: float,
    cover_share: float,
    rule: Rule,
    fixed: Fixed,
) -> tuple[float, bool]:
    """Return the probability, over the taste of the year, of wishing for cover; and whether the cap bound.

    ``n_persons`` decide together, at the rate and the net premium of them all, against their equal part
    of the household's consumption, hassle and sanction. ``cover_share`` is the part of a year for which
    cover would run: the premium is due in full, the gain is not.
    """
    part = n_persons / max(1, int(hh.n_members))
    consumption = part * 12.0 * max(1.0, float(hh.income))
    public_rate = rule.need_rate * n_persons
    reckoned = perceived_rate(rate, public_rate, rule.private_information)
    saving, risk, access, capped = value_of_cover(
        reckoned,
        float(hh.odds_uninsured),
        float(hh.odds_severe_uninsured),
        float(hh.odds_insured),
        float(hh.odds_severe_insured),
        service,
        consumption,
        rule,
        fixed,
    )
    sanction = part * expected_sanction(float(hh.income), enforcement, rule)
    hassle = part * rule.hassle_rwf
    gain = cover_share * (saving + risk + access + sanction) - net_premium - hassle
    sd = rule.consumption_sd
    log_relative = sd * float(hh.z) - 0.5 * sd * sd
    utility = (
        rule.intercept
        + rule.price_slope * gain / consumption
        + rule.income_gradient * log_relative
        + social
        + float(hh.taste)
    )
    return logistic(utility), capped


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


def pay_premium(
    hh: Household,
    sec: Section,
    own_part: int,
    sponsored: int,
    rule: Rule,
    quintiles: I8,
    flows: I8,
    tallies: I8,
) -> None:
    """Move the household's part and the sponsors' part of a premium into the section's fund."""
    if own_part > int(hh.cash):
        tallies[PREMIUMS_BORROWED] += 1
    pay_from_cash_or_debt(hh, own_part, flows)
    flows[CONTRIBUTION] += own_part
    quintiles[int(hh.quintile), Q_CONTRIBUTIONS] += own_part
    state = to_francs(sponsored * rule.subsidy_state_share)
    donor = min(sponsored - state, to_francs(sponsored * rule.subsidy_donor_share))
    flows[SUBSIDY_STATE] += state
    flows[SUBSIDY_DONOR] += donor
    flows[SUBSIDY_NGO] += sponsored - state - donor
    sec.subsidy_left -= sponsored
    sec.fund += own_part + sponsored


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


def spare_cash(hh: Household, rule: Rule) -> int:
    """Return cash above the household's buffer, RWF; what it can pay a premium from."""
    return int(hh.cash) - to_francs(int(hh.income) * rule.buffer_months)


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


def seek_cover_as_household(
    hh: Household,
    mm: Table,
    sec: Section,
    gg: Groups,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    registered: bool,
    quintiles: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let a household decide on cover for all its members, and pay.

    ``registered`` households hold a subsidy slot and were enrolled by the authorities unasked.
    """
    start, until, continuing = cover_period(
        int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule)
    )
    if start >= until:
        return
    n = int(hh.n_members)
    due = premium_due(hh, price_rule)
    sponsored = 0
    if hh.subsidised != 0:
        sponsored = subsidy_of(due, price_rule)
        if sponsored > sec.subsidy_left:
            sponsored = 0
    own_part = due - sponsored
    standing, highest = standing_of_year(hh, cal)
    probability = 1.0
    if standing != STANDING_UNAFFORDABLE and (not registered or own_part > 0):
        social = social_terms(hh, sec, gg, now, rule)
        # the sum in double precision, compiled or not
        rate = 1.0 * float(hh.rate_enrolled) + 1.0 * float(hh.rate_other)
        probability, capped = wish_probability(
            hh,
            rate,
            n,
            own_part,
            social,
            service,
            sec.enforcement,
            year_share(start, until),
            rule,
            fixed,
        )
        tallies[DECISIONS] += 1
        if capped:
            tallies[RISK_PREMIUM_CAPPED] += 1
    u = uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, taste_month(now, cal), DRAW_TASTE, 0)
    affordable = rule.cash_gate == 0 or own_part <= max(0, spare_cash(hh, rule))
    if affordable:
        # the expectation of the enrolment below, given everything but the taste of the year
        gauges[GAUGE_EXPECTED_ENROLLED] += n * chance_of_turning(probability, highest, standing)
    if u >= probability:
        note_outcome(hh, cal, STANDING_UNWILLING, max(probability, highest))
        return
    if not affordable:
        note_outcome(hh, cal, STANDING_UNAFFORDABLE, probability)
        return
    note_outcome(hh, cal, STANDING_PAID, probability)
    pay_premium(hh, sec, own_part, sponsored, price_rule, quintiles, flows, tallies)
    for k in range(n):
        mm[k].enrolled = 1
    start_cover(hh, mm, start, until, continuing, now, rule, fixed, tallies)


def seek_cover_as_persons(
    hh: Household,
    mm: Table,
    sec: Section,
    gg: Groups,
    now: int,
    service: float,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    quintiles: I8,
    flows: I8,
    tallies: I8,
    gauges: F8,
) -> None:
    """Let each member decide alone, in order of slots; the household pays once a membership year.

    Each member's utility has the household's social terms, the member's own risk against an equal part
    of the household's consumption, and a taste of its own. A slot pays for the members who wish. A
    household in which nobody wished does not think again that year.
    """
    standing, _ = standing_of_year(hh, cal)
    if standing == STANDING_UNWILLING:
        return
    start, until, continuing = cover_period(
        int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule)
    )
    if start >= until:
        return
    n = int(hh.n_members)
    due = premium_of_person(hh, price_rule)
    sponsored_each = subsidy_of(due, price_rule) if hh.subsidised != 0 else 0
    social = social_terms(hh, sec, gg, now, rule)
    spare = max(0, spare_cash(hh, rule))
    own_part = 0
    sponsored = 0
    n_wishing = 0
    n_enrolled = 0
    for k in range(n):
        paid_for = sponsored_each if sponsored + sponsored_each <= sec.subsidy_left else 0
        rate = member_rate(hh, mm, k, now, rule, fixed)
        probability, capped = wish_probability(
            hh,
            rate,
            1,
            float(due - paid_for),
            social,
            service,
            sec.enforcement,
            year_share(start, until),
            rule,
            fixed,
        )
        tallies[DECISIONS] += 1
        if capped:
            tallies[RISK_PREMIUM_CAPPED] += 1
        affordable = rule.cash_gate == 0 or own_part + due - paid_for <= spare
        u = uniform(
            fixed.key,
            sec.number,
            int(hh.ordinal),
            int(mm[k].ordinal),
            taste_month(now, cal),
            DRAW_TASTE_MEMBER,
            0,
        )
        mm[k].enrolled = 0
        if affordable:
            known = standing == STANDING_UNAFFORDABLE
            gauges[GAUGE_EXPECTED_ENROLLED] += (1.0 if u < probability else 0.0) if known else probability
        if u < probability:
            n_wishing += 1
            if affordable:
                own_part += due - paid_for
                sponsored += paid_for
                mm[k].enrolled = 1
                n_enrolled += 1
    hh.n_enrolled = n_enrolled
    if n_enrolled == 0:
        note_outcome(hh, cal, STANDING_UNWILLING if n_wishing == 0 else STANDING_UNAFFORDABLE, 0.0)
        refresh_rates(hh, mm, now, rule, fixed)
        return
    note_outcome(hh, cal, STANDING_PAID, 0.0)
    pay_premium(hh, sec, own_part, sponsored, price_rule, quintiles, flows, tallies)
    start_cover(hh, mm, start, until, continuing, now, rule, fixed, tallies)


compile_kernels(globals())
