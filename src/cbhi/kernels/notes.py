"""Watched households: their part of a section's payments and events, and yearly interviews.

An event books into the arrays of its section. For a watched household these are noted before and after, and
the difference is its own, so that nothing is counted in two ways. Passes over whole blocks
sum before they book: there a household's own is what the pass works out for it, and the tests hold the two
against each other.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    ADMISSIONS,
    BILLED_HEALTH_CENTRE,
    BILLED_HOSPITAL,
    CONSUMPTION,
    CONTRIBUTION,
    COPAYMENT_HEALTH_CENTRE,
    COPAYMENT_HOSPITAL,
    DRAW_SURVEY,
    EPISODES,
    FEE_HEALTH_CENTRE,
    FEE_HOSPITAL,
    FORGONE_CAPACITY,
    FORGONE_CASH,
    FORGONE_REFUSED,
    FORGONE_UNSOUGHT,
    FORMAL_CONTRIBUTION,
    GROUP_CONTRIBUTION,
    GROUP_SAVING,
    INCOME,
    INFORMAL_REPAYMENT,
    INSURED,
    LOAN,
    N_FLOWS,
    N_TALLIES,
    SUBSIDY_DONOR,
    SUBSIDY_NGO,
    SUBSIDY_POOL,
    SUBSIDY_STATE,
    VISITS_FORMAL,
    VISITS_INSURED,
    VISITS_UNINSURED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.draws import NOBODY, uniform
from cbhi.kernels.income import adult_equivalents, count_children, month_of_household
from cbhi.kernels.records import F8, I8, Fixed, Household, Rule, Section, Table, Watch

N_WATCHED = 0
N_INTERVIEWS = 1
N_CHOICES = 2


def start_watching(watch: Watch, hh: Household, sec: Section, now: int, fixed: Fixed) -> None:
    """Let a keyed lot decide whether a new household is watched, as long as there is room."""
    place = int(watch.used[N_WATCHED])
    if fixed.watched_share <= 0.0 or place >= watch.moved.size:
        return
    if uniform(fixed.key, sec.number, int(hh.ordinal), NOBODY, 0, DRAW_SURVEY, 0) < fixed.watched_share:
        watch.used[N_WATCHED] = place + 1
        watch.asked[place] = now
        hh.watched = place + 1


def note_before(watch: Watch, flows: I8, tallies: I8) -> None:
    """Note what a section has booked before an event of a watched household."""
    for i in range(N_FLOWS):
        watch.now_flows[i] = flows[i]
    for i in range(N_TALLIES):
        watch.now_tallies[i] = tallies[i]


def note_after(watch: Watch, hh: Household, flows: I8, tallies: I8) -> None:
    """Count what has been booked since as the household's."""
    place = int(hh.watched) - 1
    own_flows, own_tallies = watch.flows[place], watch.tallies[place]
    flows_before, tallies_before = watch.now_flows, watch.now_tallies
    for i in range(N_FLOWS):
        own_flows[i] += flows[i] - flows_before[i]
    for i in range(N_TALLIES):
        own_tallies[i] += tallies[i] - tallies_before[i]


def list_watched(households: Table, start: int, n: int, places: I8) -> int:
    """List the places within a block of its living watched households; return how many."""
    watched = 0
    for i in range(n):
        hh = households[start + i]
        # written always and kept when counted, without branches that nobody could guess
        places[watched] = i
        watched += int(hh.alive) & int(hh.watched != 0)
    return watched


def note_cash(
    watch: Watch, households: Table, start: int, n: int, places: I8, harvest: float, u: F8, rule: Rule
) -> None:
    """Note what the ``n`` watched of a block are about to earn, repay and consume (``live_through``)."""
    for i in range(n):
        hh = households[start + places[i]]
        own = watch.flows[int(hh.watched) - 1]
        income, contribution, repayment, spending = month_of_household(hh, u[places[i]], harvest, rule)
        own[INCOME] += income
        own[FORMAL_CONTRIBUTION] += contribution
        own[INFORMAL_REPAYMENT] += repayment
        own[CONSUMPTION] += spending


def note_savings(watch: Watch, households: Table, start: int, n: int, places: I8, savings: I8) -> None:
    """Note what the ``n`` watched of a block have saved with their associations."""
    for i in range(n):
        hh = households[start + places[i]]
        watch.flows[int(hh.watched) - 1, GROUP_SAVING] += savings[places[i]]


def note_moved(watch: Watch, hh: Household, cash_rwf: int) -> None:
    """Note cash that came or went with somebody who married."""
    if hh.watched != 0:
        watch.moved[int(hh.watched) - 1] += cash_rwf


def visits_of(tallies: I8) -> int:
    """Return the visits counted."""
    return int(tallies[VISITS_INSURED] + tallies[VISITS_UNINSURED] + tallies[VISITS_FORMAL])


def forgone_of(tallies: I8) -> int:
    """Return the episodes without care counted, for any reason."""
    return int(
        tallies[FORGONE_UNSOUGHT]
        + tallies[FORGONE_CAPACITY]
        + tallies[FORGONE_REFUSED]
        + tallies[FORGONE_CASH]
    )


def out_of_pocket_of(flows: I8) -> int:
    """Return what was paid for care at the place of care, RWF."""
    return int(
        flows[COPAYMENT_HEALTH_CENTRE]
        + flows[COPAYMENT_HOSPITAL]
        + flows[FEE_HEALTH_CENTRE]
        + flows[FEE_HOSPITAL]
    )


def sponsored_of(flows: I8) -> int:
    """Return what others paid of premiums, RWF."""
    return int(flows[SUBSIDY_STATE] + flows[SUBSIDY_DONOR] + flows[SUBSIDY_POOL] + flows[SUBSIDY_NGO])


def interview(
    watch: Watch, hh: Household, mm: Table, sec: Section, is_member: bool, now: int, rule: Rule
) -> None:
    """Write down a watched household's last twelve months, and start to count anew.

    ``is_member`` is whether it is paid up.
    """
    row = int(watch.used[N_INTERVIEWS])
    if row >= watch.interviews.size:
        return
    watch.used[N_INTERVIEWS] = row + 1
    place = int(hh.watched) - 1
    flows = watch.flows_before[place]
    tallies = watch.tallies_before[place]
    for i in range(N_FLOWS):
        flows[i] = watch.flows[place, i] - flows[i]
    for i in range(N_TALLIES):
        tallies[i] = watch.tallies[place, i] - tallies[i]
    note = watch.interviews[row]
    note.month = now
    note.section = sec.number
    note.district = sec.district
    note.household = int(hh.ordinal)
    note.months = now - watch.asked[place]
    note.persons = int(hh.n_members)
    children = count_children(hh, mm, now)
    note.adult_equivalents = adult_equivalents(int(hh.n_members) - children, children)
    note.consumption_rwf = 12 * int(hh.income)
    note.quintile = int(hh.quintile)
    note.category = int(hh.category)
    note.listed_category = int(hh.listed_category)
    note.has_slot = int(hh.subsidised)
    note.is_formal = int(hh.formal)
    note.is_member = 1 if is_member else 0
    note.insured_person_months = tallies[INSURED]
    note.contribution_rwf = flows[CONTRIBUTION] + flows[GROUP_CONTRIBUTION]
    note.sponsored_rwf = sponsored_of(flows)
    note.out_of_pocket_rwf = out_of_pocket_of(flows)
    note.visits = visits_of(tallies)
    note.admissions = tallies[ADMISSIONS]
    note.episodes = tallies[EPISODES]
    note.forgone = forgone_of(tallies)
    billed = tallies[BILLED_HEALTH_CENTRE] + tallies[BILLED_HOSPITAL]
    note.claims_rwf = billed - out_of_pocket_of(flows)
    note.loans_rwf = flows[LOAN]
    note.expected_episodes = 1.0 * float(hh.rate_enrolled) + 1.0 * float(hh.rate_other)
    note.public_expected_episodes = rule.need_rate * int(hh.n_members)
    watch.asked[place] = now
    for i in range(N_FLOWS):
        flows[i] = watch.flows[place, i]
    for i in range(N_TALLIES):
        tallies[i] = watch.tallies[place, i]


compile_kernels(globals())
