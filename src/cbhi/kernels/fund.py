"""Pooling, administration, payment of claims, arrears and what happens to deficits."""

from __future__ import annotations

from cbhi.kernels.codes import (
    ADMINISTRATION,
    BAIL_OUT_POOL,
    BAIL_OUT_SECTION,
    CLAIMS_HOSPITAL,
    CLAIMS_OUTPATIENT,
    CLAIMS_OUTPATIENT_POOL,
    DEFICIT_BAIL_OUT,
    DEFICIT_SUSPEND,
    LEVY,
    PAYABLES_MOVED_TO_POOL,
    POOL_GRANT,
    POOL_SHARE,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, District, Rule, Section, Table

# claims are averaged over about half a year to turn payables into months of arrears
CLAIMS_MEMORY = 0.15
# a fund must be beyond the limit this long before the rule for deficits acts
PATIENCE_MONTHS = 3
LARGEST_PRODUCT = 1 << 62


def share_out(sec: Section, dist: District, income_rwf: int, rule: Rule, flows: I8) -> None:
    """Pay administration and the pool's share out of the month's premium income.

    Administration is paid from what is in the fund, never on credit; the pool's share is rounded down
    and the remainder stays with the section.
    """
    cost = min(sec.fund, to_francs(income_rwf * rule.admin_share))
    sec.fund -= cost
    flows[ADMINISTRATION] += cost
    upward = min(sec.fund, int(income_rwf * rule.pool_share))
    sec.fund -= upward
    dist.pool += upward
    flows[POOL_SHARE] += upward


def payment(payables_rwf: int, fund_rwf: int, processing_share: float) -> int:
    """Return what a fund pays on its claims this month: the share processed, as far as money goes.

    The share is rounded up, so that small payables are not carried for ever.
    """
    return max(0, min(fund_rwf, payables_rwf - int(payables_rwf * (1.0 - processing_share))))


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


def settle_section_claims(
    sec: Section, dist: District, approved_rwf: int, rule: Rule, flows: I8, tallies: I8
) -> None:
    """Book the month's approved claims, pay the health centre, and apply the rule for deficits."""
    if rule.pool_pays_outpatient != 0:
        # the pool has taken the section's claims over, those still unpaid included
        moved = sec.payables + approved_rwf
        sec.payables = 0
        dist.payables += moved
        tallies[PAYABLES_MOVED_TO_POOL] += moved
        sec.arrears = dist.arrears
        sec.suspended = 0
        return
    sec.payables += approved_rwf
    sec.claims_average = moving_average(sec.claims_average, approved_rwf)
    paid = payment(sec.payables, sec.fund, rule.processing_share)
    sec.fund -= paid
    sec.payables -= paid
    sec.health_centre_cash += paid
    flows[CLAIMS_OUTPATIENT] += paid
    arrears = months_of_arrears(sec.payables, sec.claims_average, rule.processing_share)
    if arrears > rule.arrears_limit_months:
        sec.bad_months += 1
    else:
        sec.bad_months = 0
    if sec.bad_months == 0 or rule.deficit_rule != DEFICIT_SUSPEND:
        sec.suspended = 0
    if sec.bad_months >= PATIENCE_MONTHS:
        if rule.deficit_rule == DEFICIT_BAIL_OUT:
            rescue = sec.payables
            flows[BAIL_OUT_SECTION] += rescue
            flows[CLAIMS_OUTPATIENT] += rescue
            sec.payables = 0
            sec.health_centre_cash += rescue
            sec.bad_months = 0
            arrears = 0.0
        elif rule.deficit_rule == DEFICIT_SUSPEND:
            sec.suspended = 1
    sec.arrears = arrears


def fund_pool(dist: District, insured: int, rule: Rule, flows: I8) -> None:
    """Pay the state's grant and the formal insurers' levy into a pool."""
    grant = to_francs(insured * rule.pool_grant_rwf / 12.0)
    dist.pool += grant
    flows[POOL_GRANT] += grant
    levy = to_francs(dist.formal_contributions * rule.levy_share)
    dist.pool += levy
    flows[LEVY] += levy


def gather_into_national_pool(districts: Table) -> None:
    """Move every pool's money and payables into the first: one pool for the country."""
    national = districts[0]
    for d in range(1, districts.size):
        dist = districts[d]
        national.pool += dist.pool
        national.payables += dist.payables
        national.claims_average += dist.claims_average
        dist.pool = 0
        dist.payables = 0
        dist.claims_average = 0.0


def settle_pool_claims(dist: District, hospital_rwf: int, outpatient_rwf: int, rule: Rule, flows: I8) -> int:
    """Book the month's hospital claims in a pool and pay on what it owes; return the payment, RWF.

    Health-centre claims that the pool pays (``outpatient_rwf``) were booked when the section handed them
    over; here they only count for the average.
    """
    dist.payables += hospital_rwf
    dist.claims_average = moving_average(dist.claims_average, hospital_rwf + outpatient_rwf)
    paid = payment(dist.payables, dist.pool, rule.processing_share)
    dist.pool -= paid
    dist.payables -= paid
    arrears = months_of_arrears(dist.payables, dist.claims_average, rule.processing_share)
    if arrears > rule.arrears_limit_months:
        dist.bad_months += 1
    else:
        dist.bad_months = 0
    if dist.bad_months >= PATIENCE_MONTHS and rule.deficit_rule == DEFICIT_BAIL_OUT:
        rescue = dist.payables
        flows[BAIL_OUT_POOL] += rescue
        paid += rescue
        dist.payables = 0
        dist.bad_months = 0
        arrears = 0.0
    dist.arrears = arrears
    return paid


def hand_out(
    sections: Table,
    districts: Table,
    first_district: int,
    end_district: int,
    paid_rwf: int,
    to_centres: bool,
    flows: I8,
) -> None:
    """Divide a pool's payment among the providers that billed it this month, in proportion to their bills.

    Shares are rounded down and the remainder goes to the first hospital, so that nothing is lost.
    """
    total = 0
    for d in range(first_district, end_district):
        total += districts[d].claims_month
    n_sections = sections.size if to_centres else 0
    for s in range(n_sections):
        sec = sections[s]
        if first_district <= sec.district < end_district:
            total += sec.claims_month
    # bills in larger units, where payment times bill would not fit into 63 bits; units are rounded down,
    # so that parts still never exceed the whole
    shift = 0
    while paid_rwf > LARGEST_PRODUCT // max(1, total >> shift):
        shift += 1
    whole = total >> shift
    left = paid_rwf
    if total > 0:
        for s in range(n_sections):
            sec = sections[s]
            if first_district <= sec.district < end_district:
                part = paid_rwf * (sec.claims_month >> shift) // whole
                sec.health_centre_cash += part
                flows[sec.district, CLAIMS_OUTPATIENT_POOL] += part
                left -= part
        for d in range(first_district, end_district):
            dist = districts[d]
            part = paid_rwf * (dist.claims_month >> shift) // whole
            dist.hospital_cash += part
            flows[d, CLAIMS_HOSPITAL] += part
            left -= part
    districts[first_district].hospital_cash += left
    flows[first_district, CLAIMS_HOSPITAL] += left


compile_kernels(globals())
