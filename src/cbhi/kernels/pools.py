"""District pools, the one national pool in their place, and the national pool beside them.

A pool owes each provider by itself (``pool_owes`` of sections and districts); its payables are their sum,
over the district or, while the districts' pools are one, over the country. Where sections pay the
hospital themselves there are no pools: what they still hold and owe runs off, and nothing flows in.
"""

from __future__ import annotations

from cbhi.kernels.codes import (
    BAIL_OUT_POOL,
    CLAIMS_HOSPITAL,
    CLAIMS_OUTPATIENT_POOL,
    DEFICIT_BAIL_OUT,
    EQUALISATION_PAID,
    EQUALISATION_RECEIVED,
    LEVY,
    NATIONAL_SUPPORT,
    POOL_GRANT,
    POOL_GRANT_DONOR,
    PORTABLE_SETTLED,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.fund import (
    PATIENCE_MONTHS,
    is_pooled,
    months_of_arrears,
    moving_average,
    payment,
    pro_rata,
)
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, District, Nation, Rule, Section, State, Table


def fund_pool(dist: District, insured: int, rule: Rule, flows: I8) -> None:
    """Pay the grants of state and donors and the formal insurers' levy into a pool."""
    if rule.sections_pay_hospital != 0:
        return
    grant = to_francs(insured * rule.pool_grant_rwf / 12.0)
    donors = to_francs(insured * rule.pool_grant_donor_rwf / 12.0)
    levy = to_francs(dist.formal_contributions * rule.levy_share)
    dist.pool += grant + donors + levy
    flows[POOL_GRANT] += grant
    flows[POOL_GRANT_DONOR] += donors
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


def part_national_pool(districts: Table, sections: Table) -> None:
    """Give each district its own pool again: what its providers are owed, and money by people insured.

    Money is rounded down and the remainder stays with the first district.
    """
    insured = 0
    for d in range(districts.size):
        insured += districts[d].insured
    money = districts[0].pool
    average = districts[0].claims_average
    for d in range(districts.size):
        dist = districts[d]
        dist.payables = dist.pool_owes
        for s in range(dist.first_section, dist.end_section):
            dist.payables += sections[s].pool_owes
        if d > 0 and insured > 0:
            part = min(districts[0].pool, int(money * (dist.insured / insured)))
            dist.pool += part
            districts[0].pool -= part
            dist.claims_average = average * dist.insured / insured
            districts[0].claims_average -= dist.claims_average


def allot_national_pool(districts: Table, sections: Table, rule: Rule) -> None:
    """Tell each district what it may spend on subsidies this month out of the one pool: a part by people.

    Districts' own pools are theirs; then nothing is added to them. A district may overdraw its pool by
    this part until the month's pools are gathered.
    """
    for d in range(districts.size):
        districts[d].pool_credit = 0
    if rule.national_pool == 0:
        return
    persons = 0
    for s in range(sections.size):
        persons += sections[s].persons
    for d in range(districts.size):
        dist = districts[d]
        own = 0
        for s in range(dist.first_section, dist.end_section):
            own += sections[s].persons
        # the first district holds the money and may spend its own part only
        dist.pool_credit = int(districts[0].pool * (own / max(1, persons))) - dist.pool


def book_pool_claims(dist: District, hospital_rwf: int, outpatient_rwf: int) -> None:
    """Book the month's hospital claims in a pool.

    Claims that the pool pays for sections (``outpatient_rwf``) were booked when the section handed them
    over; here they only count for the average.
    """
    dist.payables += hospital_rwf
    dist.claims_average = moving_average(dist.claims_average, hospital_rwf + outpatient_rwf)


def book_bills(sections: Table, districts: Table, first: int, end: int, rule: Rule) -> None:
    """Book the month's claims of districts ``first`` to ``end - 1`` in the pool of the first of them."""
    hospital = 0
    outpatient = 0
    for d in range(first, end):
        dist = districts[d]
        dist.pool_owes += dist.claims_month
        hospital += dist.claims_month
        for s in range(dist.first_section, dist.end_section):
            sec = sections[s]
            if is_pooled(sec, rule):
                outpatient += sec.claims_month
                if rule.sections_pay_hospital != 0:
                    outpatient += sec.hospital_month
    book_pool_claims(districts[first], hospital, outpatient)


def settle_pool_claims(dist: District, rule: Rule, flows: I8) -> int:
    """Pay on what a pool owes and apply the rule for deficits; return the payment, RWF.

    Only a bail-out acts here. Under the rule of suspension the sections whose claims the pool pays are
    suspended in their own settlement; a pool has nobody above it to merge with.
    """
    paid = payment(dist.payables, dist.pool, rule.processing_share)
    dist.pool -= paid
    dist.payables -= paid
    dist.arrears = months_of_arrears(dist.payables, dist.claims_average, rule.processing_share)
    if dist.arrears > rule.arrears_limit_months:
        dist.bad_months += 1
    else:
        dist.bad_months = 0
    if dist.bad_months >= PATIENCE_MONTHS and rule.deficit_rule == DEFICIT_BAIL_OUT:
        rescue = dist.payables
        flows[BAIL_OUT_POOL] += rescue
        paid += rescue
        dist.payables = 0
        dist.bad_months = 0
        dist.arrears = 0.0
    return paid


def pay_hospital(dist: District, amount: int, flows: I8) -> None:
    """Pay a hospital what a pool owes it."""
    dist.pool_owes -= amount
    dist.hospital_cash += amount
    flows[CLAIMS_HOSPITAL] += amount


def pay_centre(sec: Section, amount: int, flows: I8) -> None:
    """Pay a health centre what a pool owes it."""
    sec.pool_owes -= amount
    sec.health_centre_cash += amount
    sec.revenue_month += amount
    flows[CLAIMS_OUTPATIENT_POOL] += amount


def hand_out(
    sections: Table, districts: Table, first_district: int, end_district: int, paid_rwf: int, flows: I8
) -> None:
    """Divide a pool's payment among providers in proportion to what each is owed, never more than that.

    Parts are rounded down; the remainder goes to the first providers that are still owed something.
    """
    if paid_rwf <= 0:
        return
    begin = districts[first_district].first_section
    end = districts[end_district - 1].end_section
    total = 0
    for d in range(first_district, end_district):
        total += districts[d].pool_owes
    for s in range(begin, end):
        total += sections[s].pool_owes
    left = paid_rwf
    for d in range(first_district, end_district):
        part = pro_rata(paid_rwf, districts[d].pool_owes, total)
        pay_hospital(districts[d], part, flows[d])
        left -= part
    for s in range(begin, end):
        part = pro_rata(paid_rwf, sections[s].pool_owes, total)
        pay_centre(sections[s], part, flows[sections[s].district])
        left -= part
    for d in range(first_district, end_district):
        part = min(left, districts[d].pool_owes)
        pay_hospital(districts[d], part, flows[d])
        left -= part
    for s in range(begin, end):
        part = min(left, sections[s].pool_owes)
        pay_centre(sections[s], part, flows[sections[s].district])
        left -= part


def equalisation_position(dist: District, mean_claims: float, share: float) -> float:
    """Return what a district pays into equalisation this month; negative when it receives, RWF.

    ``share * insured * (mean claims per insured - own claims per insured)``.
    """
    return share * (dist.insured * mean_claims - dist.claims_average)


def equalise(districts: Table, nation: Nation, rule: Rule, flows: I8) -> None:
    """Even out a share of the difference in claims per insured person between districts.

    Districts below the country's mean pay, as far as their pools go; what they paid is divided among
    those above it, in proportion to their difference and never more than that. Francs left by
    rounding stay in the national pool.
    """
    if rule.equalisation_share <= 0.0:
        return
    claims = 0.0
    insured = 0
    for d in range(districts.size):
        claims += districts[d].claims_average
        insured += districts[d].insured
    if insured == 0:
        return
    collected = 0
    wanted = 0
    for d in range(districts.size):
        dist = districts[d]
        position = equalisation_position(dist, claims / insured, rule.equalisation_share)
        if position > 0.0:
            paid = min(dist.pool, int(position))
            dist.pool -= paid
            collected += paid
            flows[d, EQUALISATION_PAID] += paid
        else:
            wanted += int(-position)
    nation.pool += collected
    for d in range(districts.size):
        dist = districts[d]
        position = equalisation_position(dist, claims / insured, rule.equalisation_share)
        if position < 0.0:
            received = pro_rata(min(collected, wanted), int(-position), wanted)
            dist.pool += received
            nation.pool -= received
            flows[d, EQUALISATION_RECEIVED] += received


def pool_need(dist: District) -> int:
    """Return what a pool owes beyond what it holds, RWF."""
    return max(0, dist.payables - dist.pool)


def support_pools(districts: Table, nation: Nation, flows: I8) -> None:
    """Let the national pool help pools that owe more than they hold, in proportion to what each lacks.

    Parts are rounded down; the remainder stays in the national pool.
    """
    if nation.pool <= 0:
        return
    need = 0
    for d in range(districts.size):
        need += pool_need(districts[d])
    support = min(nation.pool, need)
    for d in range(districts.size):
        dist = districts[d]
        part = pro_rata(support, pool_need(dist), need)
        dist.pool += part
        nation.pool -= part
        flows[d, NATIONAL_SUPPORT] += part


def settle_pools(state: State, rule: Rule, flows: I8) -> None:
    """Let each pool, or the one national pool, book the month's bills and pay what it can.

    In between, districts even out their claims and the national pool helps those that lack money.
    """
    districts = state.districts
    sections = state.sections
    nation = state.nation[0]
    n = districts.size
    national = rule.national_pool != 0
    if national:
        gather_into_national_pool(districts)
        nation.gathered = 1
    elif nation.gathered != 0:
        part_national_pool(districts, sections)
        nation.gathered = 0
    for d in range(1 if national else n):
        book_bills(sections, districts, d, n if national else d + 1, rule)
    if not national:
        equalise(districts, nation, rule, flows)
    support_pools(districts, nation, flows)
    for d in range(1 if national else n):
        end = n if national else d + 1
        paid = settle_pool_claims(districts[d], rule, flows[d])
        hand_out(sections, districts, d, end, paid, flows)
        for other in range(d, end):
            districts[other].arrears = districts[d].arrears
            districts[other].bad_months = districts[d].bad_months


def clear_between_sections(sections: Table, dist: District, tallies: I8) -> None:
    """Settle what sections of a district owe each other for members served elsewhere.

    Each pays what its fund can bear; the sum is divided among those that are owed, in proportion, rounded
    down, the remainder to the first with room, so that what is owed and what owes stay equal.
    """
    total = 0
    owed = 0
    for s in range(dist.first_section, dist.end_section):
        sec = sections[s]
        owed += sec.owed
        paid = min(sec.fund, sec.owes)
        sec.fund -= paid
        sec.owes -= paid
        total += paid
    if total == 0:
        return
    left = total
    for s in range(dist.first_section, dist.end_section):
        sec = sections[s]
        part = pro_rata(total, sec.owed, owed)
        sec.owed -= part
        sec.fund += part
        left -= part
    for s in range(dist.first_section, dist.end_section):
        sec = sections[s]
        part = min(left, sec.owed)
        sec.owed -= part
        sec.fund += part
        left -= part
    tallies[PORTABLE_SETTLED] += total


compile_kernels(globals())
