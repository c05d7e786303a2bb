"""A section's fund: shares of premium income, payment of claims, arrears and what happens to deficits.

Claims are owed to the health centre and, where there are no pools, to the district's hospital. A pooled
section, whose claims the rules or a merger have made the pool's, hands all of them over.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    ADMINISTRATION,
    BAIL_OUT_SECTION,
    CLAIMS_HOSPITAL_SECTION,
    CLAIMS_OUTPATIENT,
    DEFICIT_BAIL_OUT,
    DEFICIT_MERGE,
    DEFICIT_SUSPEND,
    MERGED_UP,
    NATIONAL_SHARE,
    PAYABLES_HOSPITAL_MOVED,
    PAYABLES_MOVED_TO_POOL,
    POOL_SHARE,
    REINSURANCE_PREMIUM,
    SECTIONS_MERGED,
    SECTIONS_SUSPENDED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.fraud import embezzle
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, District, Nation, Rule, Section
from cbhi.kernels.reinsurance import reinsure

# claims are averaged over about half a year to turn payables into months of arrears
CLAIMS_MEMORY = 0.15
# a fund must be beyond the limit this long before the rule for deficits acts
PATIENCE_MONTHS = 3
LARGEST_PRODUCT = 1 << 62
# of the largest amount that is shared out, 2**61 francs
BITS = 61


def is_pooled(sec: Section, rule: Rule) -> bool:
    """Return whether a pool pays the health-centre claims of a section's members."""
    return rule.pool_pays_outpatient != 0 or sec.merged != 0


def pro_rata(amount: int, part: int, whole: int) -> int:
    """Return ``amount * part / whole`` rounded down; ``amount`` counts as at most ``whole``.

    Where the product would not fit into 63 bits it is built up bit by bit, with the remainder of the
    division carried along, so that the share is exact all the same.
    """
    if part <= 0 or whole <= 0:
        return 0
    amount = min(amount, whole)
    if amount <= LARGEST_PRODUCT // part:
        return amount * part // whole
    quotient = 0
    remainder = 0
    for bit in range(BITS - 1, -1, -1):
        quotient *= 2
        remainder *= 2
        if (part >> bit) & 1 != 0:
            remainder += amount
        while remainder >= whole:
            remainder -= whole
            quotient += 1
    return quotient


def share_out(
    sec: Section, dist: District, nation: Nation, income_rwf: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Pay what is taken off the month's premium income, in this order, each at most what is in the fund.

    Administration, less where the scheme has learned to run itself; what is embezzled; the shares of the
    pool and the national pool and the reinsurer's quota, rounded down so that the remainder stays with the
    section. A merged section passes on what is left.
    """
    cost = min(
        sec.fund, to_francs(income_rwf * rule.admin_share * (1.0 - rule.capacity_effect * sec.capacity))
    )
    sec.fund -= cost
    flows[ADMINISTRATION] += cost
    embezzle(sec, income_rwf, rule, flows, tallies)
    upward = min(sec.fund, int(income_rwf * rule.pool_share))
    sec.fund -= upward
    dist.pool += upward
    flows[POOL_SHARE] += upward
    taken_off = cost + upward
    upward = min(sec.fund, int(income_rwf * rule.national_share))
    sec.fund -= upward
    nation.pool += upward
    flows[NATIONAL_SHARE] += upward
    taken_off += upward
    if not is_pooled(sec, rule):
        # of what is left for claims
        premium = min(sec.fund, int(max(0, income_rwf - taken_off) * rule.quota_share))
        sec.fund -= premium
        flows[REINSURANCE_PREMIUM] += premium
    if sec.merged != 0:
        pass_up(sec, dist, flows)


def pass_up(sec: Section, dist: District, flows: I8) -> None:
    """Pass a merged section's money to the pool, but for what it owes to other sections."""
    upward = max(0, sec.fund - sec.owes)
    sec.fund -= upward
    dist.pool += upward
    flows[MERGED_UP] += upward


def payment(payables_rwf: int, fund_rwf: int, processing_share: float) -> int:
    """Return what a fund pays on its claims this month: the share processed, as far as money goes.

    The share is rounded up, so that small payables are not carried for ever.
    """
    return max(0, min(fund_rwf, payables_rwf - int(payables_rwf * (1.0 - processing_share))))


def processed_share(sec: Section, rule: Rule) -> float:
    """Return the part of unpaid claims that a section processes in a month; capacity raises it."""
    return rule.processing_share + (1.0 - rule.processing_share) * rule.capacity_effect * sec.capacity


def moving_average(average: float, claims_rwf: int) -> float:
    """Return the slow average of monthly claims; it starts at the first month that has any."""
    if average <= 0.0:
        return float(claims_rwf)
    return average + CLAIMS_MEMORY * (claims_rwf - average)


def months_of_arrears(payables_rwf: int, average_claims_rwf: float, processing_share: float) -> float:
    """Return months of claims unpaid beyond the time that processing takes, at most 60.

    Payables over average monthly claims are the delay (Little's law); a fund that pays the processed
    share every month leaves (1 - share) / share months unpaid, which is no arrears.
    """
    if payables_rwf <= 0:
        return 0.0
    delay = payables_rwf / max(1.0, average_claims_rwf)
    processing = (1.0 - processing_share) / processing_share if processing_share > 0.0 else 0.0
    return min(60.0, max(0.0, delay - processing))


def pay_providers(sec: Section, dist: District, centre_rwf: int, hospital_rwf: int, flows: I8) -> None:
    """Book payments on a section's payables; the money comes from the fund or a bail-out."""
    sec.payables -= centre_rwf
    sec.health_centre_cash += centre_rwf
    sec.revenue_month += centre_rwf
    flows[CLAIMS_OUTPATIENT] += centre_rwf
    sec.payables_hospital -= hospital_rwf
    dist.hospital_cash += hospital_rwf
    flows[CLAIMS_HOSPITAL_SECTION] += hospital_rwf


def pay_claims(sec: Section, dist: District, processing_share: float, flows: I8) -> None:
    """Pay the processed share of what a fund owes; short of money, in proportion to what each is owed.

    The hospital's part is then rounded down and the health centre has the remainder.
    """
    centre = payment(sec.payables, sec.payables, processing_share)
    hospital = payment(sec.payables_hospital, sec.payables_hospital, processing_share)
    if centre + hospital > sec.fund:
        hospital = pro_rata(sec.fund, sec.payables_hospital, sec.payables + sec.payables_hospital)
        centre = min(sec.payables, sec.fund - hospital)
    sec.fund -= centre + hospital
    pay_providers(sec, dist, centre, hospital, flows)


def move_payables(sec: Section, dist: District, centre_rwf: int, hospital_rwf: int, tallies: I8) -> None:
    """Let the pool owe what a section owed, or would owe, to its health centre and the hospital."""
    sec.pool_owes += centre_rwf
    dist.pool_owes += hospital_rwf
    dist.payables += centre_rwf + hospital_rwf
    tallies[PAYABLES_MOVED_TO_POOL] += centre_rwf
    tallies[PAYABLES_HOSPITAL_MOVED] += hospital_rwf


def hand_over(
    sec: Section, dist: District, approved_rwf: int, hospital_rwf: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Let the pool take over a pooled section's claims, those still unpaid included.

    Its members share the pool's fate: arrears, and suspension while the pool itself is beyond the limit.
    """
    move_payables(sec, dist, sec.payables + approved_rwf, sec.payables_hospital + hospital_rwf, tallies)
    sec.payables = 0
    sec.payables_hospital = 0
    sec.arrears = dist.arrears
    sec.bad_months = 0
    sec.suspended = 0
    if rule.deficit_rule == DEFICIT_SUSPEND and dist.bad_months >= PATIENCE_MONTHS:
        sec.suspended = 1
    if sec.merged != 0:
        pass_up(sec, dist, flows)


def act_on_deficit(sec: Section, dist: District, rule: Rule, flows: I8, tallies: I8) -> None:
    """Apply the rule for deficits to a fund that has been beyond the limit for long enough."""
    if rule.deficit_rule == DEFICIT_BAIL_OUT:
        flows[BAIL_OUT_SECTION] += sec.payables + sec.payables_hospital
        pay_providers(sec, dist, sec.payables, sec.payables_hospital, flows)
        sec.bad_months = 0
        sec.arrears = 0.0
    elif rule.deficit_rule == DEFICIT_SUSPEND:
        sec.suspended = 1
    elif rule.deficit_rule == DEFICIT_MERGE:
        sec.merged = 1
        tallies[SECTIONS_MERGED] += 1
        hand_over(sec, dist, 0, 0, rule, flows, tallies)


def settle_section_claims(
    sec: Section, dist: District, approved_rwf: int, now: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Book the month's approved claims, pay the providers, and apply the rule for deficits.

    ``approved_rwf`` is for the health centre; the hospital's claims are the section's own
    (``sec.hospital_month``) only where there are no pools.
    """
    hospital = sec.hospital_month if rule.sections_pay_hospital != 0 else 0
    # own members' claims wherever they were treated; visitors' are for the sections they come from
    own = approved_rwf - sec.visitor_claims_before + sec.away_claims + hospital
    sec.claims_month = approved_rwf
    sec.claims_year += own
    sec.member_months += sec.insured
    sec.claims_cost += rule.cost_outpatient_rwf * sec.insured
    sec.claims_average = moving_average(sec.claims_average, own)
    sec.bills_average = moving_average(sec.bills_average, approved_rwf + sec.away_claims + hospital)
    if rule.sections_pay_hospital == 0 and sec.payables_hospital > 0:
        # pools have come back and take the hospital's bills over
        move_payables(sec, dist, 0, sec.payables_hospital, tallies)
        sec.payables_hospital = 0
    if is_pooled(sec, rule):
        hand_over(sec, dist, approved_rwf, hospital, rule, flows, tallies)
    else:
        sec.payables += approved_rwf
        sec.payables_hospital += hospital
        reinsure(sec, own, now, rule, flows)
        share = processed_share(sec, rule)
        pay_claims(sec, dist, share, flows)
        owed = sec.payables + sec.payables_hospital + sec.owes
        sec.arrears = months_of_arrears(owed, sec.bills_average, share)
        if sec.arrears > rule.arrears_limit_months:
            sec.bad_months += 1
        else:
            sec.bad_months = 0
        if sec.bad_months == 0 or rule.deficit_rule != DEFICIT_SUSPEND:
            sec.suspended = 0
        if sec.bad_months >= PATIENCE_MONTHS:
            act_on_deficit(sec, dist, rule, flows, tallies)
    tallies[SECTIONS_SUSPENDED] += sec.suspended


compile_kernels(globals())
