"""The choices of watched households, written down with all that they weigh, before they are made.

Only pure functions of ``enrolment`` are called, with the arguments that the decision itself will use; nothing
is drawn that is not drawn there, and nothing changes but the notes.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    BY_LOAN,
    DRAW_TASTE,
    DRAW_TASTE_MEMBER,
    STANDING_UNAFFORDABLE,
    STANDING_UNWILLING,
    UNIT_PERSON,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.enrolment import (
    GATE_BOUND,
    GATE_FREE,
    NO_MEANS,
    Outlook,
    Weighed,
    choice_probability,
    cover_period,
    finance,
    group_gate,
    income_term,
    is_kept_waiting,
    means_of,
    net_gain,
    premium_due,
    premium_of_person,
    rate_of_household,
    social_parts,
    social_terms,
    sponsored_part,
    standing_of_year,
    subsidy_of,
    taste_month,
    waiting_due,
    waiting_part,
    weigh_cover,
    year_share,
)
from cbhi.kernels.groups import group_limit, spare_cash
from cbhi.kernels.health import member_rate
from cbhi.kernels.loans import loan_cost
from cbhi.kernels.notes import N_CHOICES
from cbhi.kernels.records import CalendarMonth, Choice, Fixed, Household, Rule, Section, State, Table


def explain_utility(
    state: State,
    sec: Section,
    hh: Household,
    note: Choice,
    rate: float,
    n_persons: int,
    own_part: int,
    now: int,
    outlook: Outlook,
    cover_share: float,
    rule: Rule,
    fixed: Fixed,
) -> Weighed:
    """Write the terms of the utility of ``n_persons`` who decide together; return what they weighed."""
    weighed = weigh_cover(hh, rate, n_persons, outlook, sec, cover_share, rule, fixed)
    gain = net_gain(weighed, float(own_part))
    peers, trust, quality, habit, mobilisation = social_parts(hh, sec, state.groups, outlook, now, rule)
    note.cover_share = cover_share
    note.expected_episodes = weighed.reckoned
    note.saving_rwf = weighed.saving
    note.risk_premium_rwf = weighed.risk_premium
    note.access_rwf = weighed.access
    note.honoured_share = outlook.honoured
    note.sanction_rwf = weighed.sanction
    note.hassle_rwf = weighed.hassle
    note.gain_rwf = gain
    note.consumption_rwf = weighed.consumption
    note.intercept = rule.intercept
    note.from_gain = rule.price_slope * gain / weighed.consumption
    note.from_income = income_term(hh, rule)
    note.from_peers = peers
    note.from_trust = trust
    note.from_quality = quality
    note.from_habit = habit
    note.from_mobilisation = mobilisation
    note.taste = 1.0 * float(hh.taste)
    social = peers + trust + quality + habit + mobilisation
    note.utility = note.intercept + note.from_gain + note.from_income + social + note.taste
    note.probability = choice_probability(note.utility, rule)
    return weighed


def next_note(state: State, hh: Household, now: int, gate: int) -> int:
    """Return the row of a new note, its head filled in, or -1 where there is no room."""
    watch = state.watch
    row = int(watch.used[N_CHOICES])
    if row >= watch.choices.size:
        return -1
    watch.used[N_CHOICES] = row + 1
    note = watch.choices[row]
    note.month = now
    note.watched = int(hh.watched)
    note.member = -1
    note.gate = gate
    return row


def explain_household(
    state: State,
    sec: Section,
    hh: Household,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    registered: bool,
) -> None:
    """Write down what a household that decides for all its members weighs this month."""
    period = cover_period(int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule))
    if state.watch.choices.size == 0 or period[0] >= period[1]:
        return
    gg = state.groups
    dist = state.districts[sec.district]
    due = premium_due(hh, price_rule, sec.premium_factor)
    sponsored = sponsored_part(hh, sec, due, price_rule)
    own_part = due - sponsored
    unasked = registered and own_part == 0
    gate = GATE_FREE if unasked else group_gate(hh, sec, gg, now, cal, rule)
    if is_kept_waiting(hh, gate):
        return
    row = next_note(state, hh, now, gate)
    if row < 0:
        return
    note = state.watch.choices[row]
    standing, _ = standing_of_year(hh, cal)
    again = standing == STANDING_UNAFFORDABLE
    note.unasked = 1 if unasked else 0
    note.again = 1 if again else 0
    note.premium_rwf = due
    note.sponsored_rwf = sponsored
    n = int(hh.n_members)
    rate = rate_of_household(hh)
    share = year_share(period[0], period[1])
    weighed = explain_utility(state, sec, hh, note, rate, n, own_part, now, outlook, share, rule, fixed)
    note.draw = uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, taste_month(now, cal), DRAW_TASTE, 0)
    certain = unasked or gate == GATE_BOUND
    social = social_terms(hh, sec, gg, outlook, now, rule)
    waiting = waiting_part(hh, sec, cal, price_rule)
    by = means_of(hh, sec, dist, gg, own_part, waiting, now, rule)
    _, at_cost = finance(
        hh, sec, by, 0, own_part, weighed, social, now, 1.0 if certain or again else float(note.probability),
        rule, fixed.key,
    )  # fmt: skip
    if certain:
        at_cost = 1.0
    explain_means(state, sec, hh, note, 0, own_part, waiting, by, at_cost, rule)


def explain_means(
    state: State,
    sec: Section,
    hh: Household,
    note: Choice,
    before: int,
    own_part: int,
    waiting: int,
    by: int,
    at_cost: float,
    rule: Rule,
) -> None:
    """Write down what could pay the own part, and what a loan would cost.

    ``before`` is owed for members who decided already; see ``enrolment.finance``.
    """
    spare = max(0, spare_cash(hh, rule))
    note.spare_cash_rwf = spare
    note.group_limit_rwf = group_limit(hh, sec, state.districts[sec.district], state.groups, waiting, rule)
    note.means = by
    note.probability_with_loan = at_cost
    if by == BY_LOAN:
        note.loan_cost_rwf = loan_cost(min(own_part, before + own_part - spare), rule)


def explain_members(
    state: State,
    sec: Section,
    hh: Household,
    mm: Table,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
) -> None:
    """Write down what each member of a household whose persons enrol alone weighs this month."""
    period = cover_period(int(hh.cover_until), now, cal, waiting_due(int(hh.cover_until), now, rule))
    gg = state.groups
    gate = group_gate(hh, sec, gg, now, cal, rule)
    standing, _ = standing_of_year(hh, cal)
    if (
        state.watch.choices.size == 0
        or int(hh.cover_until) > now + 1
        or standing == STANDING_UNWILLING
        or period[0] >= period[1]
        or is_kept_waiting(hh, gate)
    ):
        return
    dist = state.districts[sec.district]
    due = premium_of_person(hh, price_rule, sec.premium_factor)
    each = subsidy_of(due, price_rule) if hh.subsidised != 0 else 0
    share = year_share(period[0], period[1])
    waiting = waiting_part(hh, sec, cal, price_rule)
    social = social_terms(hh, sec, gg, outlook, now, rule)
    before = 0
    sponsored = 0
    for k in range(int(hh.n_members)):
        row = next_note(state, hh, now, gate)
        if row < 0:
            return
        note = state.watch.choices[row]
        paid_for = each if sponsored + each <= sec.subsidy_left else 0
        part = due - paid_for
        note.member = int(mm[k].ordinal)
        note.premium_rwf = due
        note.sponsored_rwf = paid_for
        rate = member_rate(hh, mm, k, now, rule, fixed)
        weighed = explain_utility(state, sec, hh, note, rate, 1, part, now, outlook, share, rule, fixed)
        month = taste_month(now, cal)
        note.draw = uniform(
            fixed.key, sec.number, int(hh.ordinal), int(mm[k].ordinal), month, DRAW_TASTE_MEMBER, 0
        )
        by = means_of(hh, sec, dist, gg, before + part, waiting, now, rule)
        to_be_had, at_cost = finance(
            hh, sec, by, before, part, weighed, social, now, float(note.probability), rule, fixed.key
        )
        if not to_be_had:
            by = NO_MEANS
        explain_means(state, sec, hh, note, before, part, waiting, by, at_cost, rule)
        if by != NO_MEANS and note.draw < at_cost:
            before += part
            sponsored += paid_for


def explain_choice(
    state: State,
    sec: Section,
    hh: Household,
    mm: Table,
    now: int,
    outlook: Outlook,
    cal: CalendarMonth,
    rule: Rule,
    price_rule: Rule,
    fixed: Fixed,
    registered: bool,
) -> None:
    """Write down what a household, or each of its members where persons enrol alone, weighs this month."""
    if rule.enrolment_unit == UNIT_PERSON:
        explain_members(state, sec, hh, mm, now, outlook, cal, rule, price_rule, fixed)
    else:
        explain_household(state, sec, hh, now, outlook, cal, rule, price_rule, fixed, registered)


compile_kernels(globals())
