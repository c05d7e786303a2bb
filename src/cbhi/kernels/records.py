"""The bundles of arrays that kernels take: state, rules, calendar and what a run writes.

Households, members, sections, districts and months are records, rows of tables (`cbhi.kernels.columns`):
passed as three numbers, read and written by attribute. The field
types in the annotations are storage; reals of households are stored as float32 and read back through
``float()``, small integers through ``int()``, so that plain Python and compiled code compute with the
same types. Compiled ``float()`` leaves float32 as it is, so two such reals meet only beside a double.
Integers are signed: unsigned ones turn mixed arithmetic into floats.

Months in the state are absolute (12 * year + month - 1), so that a run may start anywhere.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels.columns import RecordTable, is_bundle

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
# storage of a record's field: bits, bytes, two bytes, four bytes; everything else takes eight
Bit = int
Two = int
Flag = int
Small = int
Month = int
Count = int
Real = float
Table = Any
"""A table of records (`cbhi.kernels.columns.RecordTable`), or a structured array of what is written out."""


class Record:
    """A record; the annotations are its fields."""

    layout = "rows"  # or "columns", or "written" for a structured array that goes into results
    constant = False  # kernels never write into it


_KINDS: dict[str, Any] = {
    "int": np.int64,
    "float": np.float64,
    "Flag": np.int8,
    "Small": np.int8,
    "Month": np.int16,
    "Count": np.int32,
    "Real": np.float32,
    "Bit": np.int8,
    "Two": np.int8,
}
_BITS = {"Bit": 1, "Two": 2}
_FIELDS: dict[Any, tuple[np.dtype[Any], dict[str, int]]] = {}


def _fields_of(record: type[Record]) -> tuple[np.dtype[Any], dict[str, int]]:
    """Return the structured dtype of a record, and which of its fields take how many bits of a byte."""
    if record not in _FIELDS:
        fields = {name: str(kind) for name, kind in record.__annotations__.items()}
        dtype = np.dtype([(name, _KINDS[kind]) for name, kind in fields.items()], align=True)
        bits = {name: _BITS[kind] for name, kind in fields.items() if kind in _BITS}
        _FIELDS[record] = dtype, bits
    return _FIELDS[record]


def record_table(record: type[Record], rows: int | tuple[int, ...]) -> Table:
    """Return a table of zeros with the fields of ``record``."""
    dtype, bits = _fields_of(record)
    if record.layout == "written":
        return np.zeros(rows, dtype=dtype).view(np.recarray)
    return RecordTable(record.__name__, dtype, rows, record.layout == "rows", record.constant, bits)


class Household(Record):
    """A household; households of a section stand together, and rows past its ``end`` are free."""

    layout = "columns"

    alive: Small
    ordinal: Count  # within its section; part of every key, never reused
    n_members: Small
    next_member: Small  # ordinal that the next newborn or newcomer gets; never reused
    n_enrolled: Small  # members under the household's policy
    formal: Small  # covered by a formal-sector insurer
    quintile: Small  # of consumption per adult equivalent, 0 the poorest
    category: Small  # poverty category as it is
    listed_category: Small  # as the authorities see it
    on_list: Bit  # existed when the community list was last drawn up
    subsidised: Bit  # holds a slot for the membership year on sale
    paid_before: Bit  # was paid up when the last membership year ended
    subsidised_before: Bit  # and held a slot then
    standing: Small  # what became of it in the membership year that runs (codes.STANDING_*)
    standing_next: Small  # and in the next one, where that is on sale already
    acts: Small  # this month's attention: bit 1 of its own, bit 2 registered by the authorities
    contacts: Count  # contacts wanted this month
    group: Month  # ordinal within the section; -1 for none
    cover_from: Month  # absolute month in which benefits start
    cover_until: Month  # first absolute month without benefits; 0 for never a member
    distance_km: Real
    z: Real  # standard normal position in the consumption distribution
    shared_frailty: Real
    taste: Real  # persistent, logits
    trust_offset: Real
    list_score: Real  # by which slots were ranked at the last refresh, low for poor
    formal_score: Real  # formal when below the share of the year; 2 for never
    wish: Real  # highest probability of wishing for cover among the decisions of the membership year
    wish_next: Real  # the same for the membership year that is on sale before it starts
    rate_enrolled: Real  # episodes a year of members under the policy
    rate_other: Real  # and of the others
    odds_near: Real  # odds of seeking care at no price and no distance
    odds_free: Real  # at no price
    odds_insured: Real
    odds_uninsured: Real
    odds_severe_insured: Real
    odds_severe_uninsured: Real
    cash: int
    debt: int
    income: int  # mean monthly income = consumption, RWF
    out_of_pocket: int  # since the last anniversary
    sponsored: Bit  # somebody else paid at least a part of its latest premium
    applied: Count  # for a loan this month, RWF, without an answer yet
    away: Count  # contacts wanted at another facility of the district this month, beside those at home
    elite: Bit  # tied to local leaders
    wants_group: Two  # wishes for cover, and the rules ask it to join a group first
    financed_by: Small  # what paid its own part of the latest premium (codes.BY_*)
    barred_until: Month  # absolute month until which lenders refuse it after a default
    loan_months_left: Small  # months until the last instalment is due; negative when overdue
    loan_stops: Small  # months left at which it stops paying, whatever its cash; -1 for never
    loan_resolve: Real  # uniform: how much of the penalty of default it feels
    loan: int  # principal owed to the lender, RWF
    loan_interest: int  # interest owed on it until the end of the term, RWF
    instalment: int  # due each month, RWF
    group_balance: int  # paid into its group's fund less paid out for it, RWF
    watched: Count  # its place among those watched (``Watch``), counted from 1; 0 for not watched


class Member(Record):
    """A member, in a slot of its household's row; slots 0 to n_members - 1 are filled."""

    layout = "columns"

    born: Month  # absolute month
    ordinal: Small
    sex: Bit
    chronic: Bit
    enrolled: Bit
    married: Bit  # ever; widowed people count as married
    frailty: Real


class Section(Record):
    """A section: its scheme, its fund and its health centre."""

    number: int  # which of the country's sections it is; part of every key
    district: int
    first: int  # first household
    end: int  # one past the last household in use
    limit: int  # one past the last household that fits
    founded: int  # households founded during the run
    opens: int  # absolute month in which the scheme opens
    group_first: int
    group_end: int
    staffing: float  # clinicians relative to the country's mean
    trust: float
    stock: float  # drug stock, 0 to 1
    quality: float
    load: float  # slow average of demand over capacity
    wait_hours: float
    capacity_carry: float
    enforcement: float  # capacity of the authorities to follow up, 0 to 1
    member_share: float  # share of households with cover in the last 13 months
    arrears: float  # months of claims unpaid beyond the time of processing
    claims_average: float  # slow average of own members' approved claims a month, RWF
    bills_average: float  # slow average of what the fund has to pay or to settle a month, RWF
    fund: int
    payables: int
    subsidy_left: int
    has_list: Flag  # the community has drawn up a list
    bad_months: int
    suspended: Flag
    claims_month: int  # health-centre claims approved this month
    health_centre_cash: int
    persons: int
    insured: int  # members with active benefits this month
    hospital_month: int  # hospital claims approved this month, where the section pays them
    payables_hospital: int  # owed to the hospital, where the section pays it
    merged: Flag  # handed over to the district's pool for good
    premium_factor: float  # premium relative to the schedule
    claims_year: int  # claims approved since premiums were last set, RWF
    member_months: int  # insured person-months since then
    claims_cost: float  # cost of a contact summed over those person-months, RWF
    premium_rwf: float  # premium per person as last set, RWF; 0 before
    stop_loss_rate: float  # expected claims per insured person-month of the year, RWF; 0 when not covered
    stop_loss_claims: int  # claims approved in the reinsurance year, RWF
    stop_loss_months: int  # insured person-months of that year so far
    stop_loss_recovered: int  # what the reinsurer paid for excess in that year, RWF
    stop_loss_cost: float  # cost of a contact summed over those person-months, RWF
    credit_line: int  # what the lender may lend here this month, RWF
    credit_share: float  # of applications that are granted this month
    collecting: Flag  # applications for loans are noted and answered later in the month
    applied: int  # loans applied for this month, RWF
    away_claims: int  # claims of own members treated elsewhere this month, RWF
    faith_based: Flag  # ownership of the health centre
    doses: float  # drugs in stock, in contacts
    contacts_average: float  # slow average of contacts served a month
    revenue_average: float  # slow average of the centre's revenue a month, RWF
    revenue_month: int  # of this month, RWF
    effort: float  # of the centre's staff, 0 to 1
    own_posts: float  # clinicians whom the centre pays from its own revenue
    distance_scale: float  # distance relative to the start, after new health posts
    blame: float  # slow average of fraud found that people lay at the provider's door, 0 to 1
    capacity: float  # administrative capacity of the scheme, 0 to 1
    fraud_found: float  # share of the month's claims and premiums in which fraud was found
    visitors: int  # contacts of other sections' members served here this month
    visitors_before: int  # and in the month before; they take up this month's capacity
    visitor_cash: int  # received from this month's, in the till from the next month on, RWF
    visitor_claims: int  # billed for this month's, booked in the next month, RWF
    visitor_claims_before: int  # billed for those of the month before, RWF
    owes: int  # to other sections for own members served there, RWF
    owed: int  # by other sections, RWF
    pool_owes: int  # by the pool to the health centre, RWF


@is_bundle
class Groups(NamedTuple):
    """One entry an association (ibimina)."""

    households: I8
    eligible: I8  # households without formal cover
    recent: I8  # of these, with cover in the last 13 months
    fund: I8  # cash in the group's box, RWF
    deposit: I8  # at the lender, RWF
    need: I8  # premiums that its families wish to pay and cannot, as last seen, RWF
    agreed_until: I8  # first absolute month without an agreement on cover; 0 for never
    yes: I8  # families for cover at the last vote
    voters: I8
    failing: I8  # joint liability: debt of defaulters this month, RWF
    paying: I8  # and members with a loan who still pay
    barred_until: I8  # absolute month until which lenders refuse the group


class District(Record):
    """A district: its pool and its hospital."""

    number: int
    z: float  # district part of the consumption position
    harvest: float
    illness: float
    pool: int
    payables: int
    claims_average: float
    arrears: float
    bad_months: int
    hospital_cash: int
    claims_month: int  # hospital claims approved this month
    pool_owes: int  # by the pool to the hospital, RWF; payables is this and what it owes health centres
    pool_credit: int  # added to the pool: what it may spend on subsidies this month, RWF
    formal_contributions: int  # of the month, the base of the levy
    first_section: int
    end_section: int
    insured: int  # members with active benefits this month
    credit_luck: float  # standard normal: district's part of the fate of loans granted this year
    lender_cash: int
    lender_open: Flag  # has received its equity
    borrowing: int  # of the lender from other banks, RWF
    loans: int  # principal outstanding, RWF
    loan_interest: int  # outstanding, RWF
    deposits: int  # of groups, RWF


class Nation(Record):
    """What exists once: the national pool and national means."""

    pool: int
    claims_per_member_month: float  # of the year before, RWF; the prior of a section's premium
    gathered: Flag  # the districts' pools are one, held by the first district


class Contact(Record):
    """A contact that a household wants, from the queue to the bill."""

    layout = "columns"

    household: Count  # its row
    number: Count  # among the household's of the month; those elsewhere come after those at home
    away: Flag  # it goes elsewhere
    stratum: Flag  # of the household
    is_woman: Flag  # the patient
    outcome: Flag  # booking.SERVED or why not
    covered: Flag  # the patient has cover
    insured: Flag  # and it was honoured
    payer: Flag  # of what the patient does not pay, booking.PAYS_*
    card_found: Flag  # a borrowed card was noticed
    admitted: int
    centre: int  # bill of the health centre, RWF; under capitation the patient's part of it
    added: int  # what is induced or coded up in it, RWF
    ward: int  # bill of the hospital, RWF
    own_centre: int  # the patient's parts of both, RWF
    own_ward: int


class Interview(Record):
    """What a household tells at its anniversary, over the twelve months before.

    Wide fields first, so that rows have no gaps: what stands in a gap would be written to disk.
    """

    layout = "written"

    consumption_rwf: int  # mean of twelve months
    contribution_rwf: int  # by whatever means
    sponsored_rwf: int  # paid by others through a slot
    out_of_pocket_rwf: int
    claims_rwf: int  # paid or promised by third parties for its care
    loans_rwf: int
    expected_episodes: float  # a year, as risk and age have it
    public_expected_episodes: float  # and as neighbours would reckon
    month: Count  # absolute; 0 in rows that were not needed
    section: Count  # the country's number of it
    district: Count  # place among the simulated districts
    household: Count  # ordinal within the section
    adult_equivalents: Real
    insured_person_months: Count
    visits: Count
    admissions: Count
    episodes: Count
    forgone: Count
    months: Small  # since the last interview, or since it is watched
    persons: Small
    quintile: Small
    category: Small
    listed_category: Small
    has_slot: Flag
    is_formal: Flag
    is_member: Flag  # paid up


class Choice(Record):
    """A decision on cover of a watched household, or of one of its members, with all that it weighed."""

    layout = "written"

    month: int
    watched: int  # place among those watched, counted from 1
    member: int  # ordinal of the person who decides; -1 for the household together
    gate: int  # what associations have to do with it (enrolment.GATE_*)
    unasked: Flag  # registered by the authorities at no cost
    again: Flag  # wished earlier in the membership year and could not pay: not weighed again
    premium_rwf: int
    sponsored_rwf: int
    cover_share: float  # of a year, for which cover would run
    expected_episodes: float  # a year, as the household reckons
    saving_rwf: float  # expected out-of-pocket spending that cover would save in a year
    risk_premium_rwf: float
    access_rwf: float
    honoured_share: float  # part of contacts in which cover is expected to be honoured
    sanction_rwf: float
    hassle_rwf: float
    gain_rwf: float
    consumption_rwf: float  # a year
    intercept: float  # logits, as all that follow up to the utility
    from_gain: float
    from_income: float
    from_peers: float
    from_trust: float
    from_quality: float
    from_habit: float
    from_mobilisation: float
    taste: float
    utility: float
    probability: float  # of wishing, over the taste of the year
    draw: float  # the taste of the year: wishes when below the probability
    spare_cash_rwf: int
    group_limit_rwf: int  # what its association would pay
    loan_cost_rwf: int
    probability_with_loan: float
    means: int  # codes.BY_*, or enrolment.NO_MEANS


@is_bundle
class Watch(NamedTuple):
    """Households whose payments and events are noted apart: a survey's panel, or one family followed."""

    flows: I8  # (W, flows) since it is watched
    tallies: I8  # (W, tallies)
    moved: I8  # (W,) cash brought or taken by those who marry
    flows_before: I8  # (W, flows) at the last interview
    tallies_before: I8
    asked: I8  # (W,) absolute month of the last interview
    now_flows: I8  # (flows,) the section's, before the event at hand
    now_tallies: I8
    used: I8  # watched households, interviews, choices written so far
    interviews: Table  # of Interview
    choices: Table  # of Choice; without rows where nobody's choices are noted


@is_bundle
class State(NamedTuple):
    """Everything that changes while a run goes on."""

    households: Table  # (H,) of Household
    members: Table  # (H, member slots) of Member
    sections: Table  # of Section
    groups: Groups
    districts: Table  # of District
    outside: I8  # (D, sectors) net positions of sectors without accounts of their own
    nation: Table  # one row of Nation
    watch: Watch


@is_bundle
class Work(NamedTuple):
    """Buffers, so that the monthly loop allocates nothing."""

    movers: I8  # households of women who marry this month
    mover_member: I8
    partners: I8
    partner_member: I8
    partner_draw: F8
    histogram: I8
    lists: I8  # (lists, most households of a section) rows of households, codes.LIST_*
    counts: I8  # (lists,) how many of them hold this month
    addresses: I8  # (draws.LANES,) of draws that are made at once
    uniforms: F8  # (4, draws.LANES) and what they give
    lanes: F8  # (health.N_COLUMNS, draws.LANES) columns of equations that are worked out for many at once
    persons: I8  # (draws.LANES,) age and traits of those who draw
    events: I8  # (draws.LANES,) and what becomes of them, demography.DIES and the like
    draws: F8  # (4, block) uniforms of a block of households
    expected: F8  # (2, block) contacts wanted and unsought episodes that it expects
    episodes: I8  # (6, block) that it has, counts of it packed into words, strata, who is watched
    by_stratum: I8  # (2, strata) counts of a block, several in one word
    supply: F8  # (4, draws.LANES) the health centre's draws for the same contacts
    contacts: Table  # (draws.LANES,) of Contact: those that are served at once
    sizes: F8  # (draws.LANES,) their bills relative to the mean
    prices: F8  # (payers, columns) of the month at hand, care.set_prices
    weights: F8  # (member slots,) of members in the choice of one of them
    few_weights: F8  # (draws.VECTOR,) the same where they are no more than that
    places: F8  # (twice the most households of a section,) of contacts in the queue


class CalendarMonth(Record):
    """One month: whether and for what cover is sold, and what happens or is read in it."""

    constant = True

    is_open: Flag  # policies are on sale
    is_rolling: Flag  # cover runs twelve months from payment
    before_start: Flag  # the membership year on sale has not begun
    sale_from: int  # absolute months of the membership year on sale
    sale_until: int
    price_month: int  # month index whose rules price it
    allocate: Flag  # subsidies are allotted for the membership year on sale
    refresh_list: Flag  # communities draw up their lists anew
    rank: Flag  # consumption ranks are taken anew
    reprice: Flag  # fees, co-payments or distances changed: odds of seeking care are stale
    year_ends: Flag  # the membership year ends with this month
    period: int  # reporting period of the month
    closes: Flag  # the reporting period ends with this month
    new_year: Flag  # district-year shocks are drawn
    sets_premium: Flag  # premiums of the membership year on sale are set


@is_bundle
class Output(NamedTuple):
    """What a run writes; integers are exact, reals are summed in a fixed order."""

    flows: I8  # (T, D, flows) francs
    stocks: I8  # (T + 1, D, stocks) francs; the first entry is the opening
    tallies: I8  # (T, D, tallies)
    gauges: F8  # (T, D, gauges)
    strata: I8  # (P, strata, stratum tallies)
    interviews: Table  # of Interview, in order of time; rows not needed are 0


class Rule(Record):
    """Rules and parameters in force in one month. Units as in ``cbhi.params``."""

    constant = True

    # premiums
    premium_poorest_rwf: int  # by category, or a household's premium in all three when by household
    premium_middle_rwf: int
    premium_rich_rwf: int
    premium_by_household: Flag
    household_covers: int
    enrolment_unit: int  # codes.UNIT_*
    premium_break_even: Flag  # sections set their premium by their claims
    premium_loading: float
    premium_credibility: float  # member-years
    premium_cap: float
    premium_reserve_months: float
    premium_deficit_share: float  # of what the fund lacks, made up in a year
    premium_surplus_share: float  # of what it has too much, given back in a year
    premium_veto_slope: float  # logits
    persons_per_section: float  # real people
    sections_per_fund: float  # of the country, simulated or not, whose health-centre bills one fund pays
    portability_share: float
    waiting_months: int
    grace_months: int
    # enrolment
    intercept: float
    taste_scale: float  # of the taste of a membership year; 0 for none
    taste_is_uniform: Flag
    price_slope: float
    income_gradient: float
    peer_weight: float
    group_share_of_peers: float
    trust_weight: float
    quality_weight: float
    inertia: float
    attention: float
    attention_before: float
    hassle_rwf: float
    private_information: float
    risk_aversion: float
    risk_premium_cap: float
    access_value: float
    cash_gate: Flag
    # mobilisation and mandate
    mobilisation_weight: float
    mobilisation_effort: float
    compulsory: Flag
    enforcement_growth: float
    enforcement_max: float
    penalty_rwf: int
    gate_probability: float
    gate_cost_share: float
    # subsidy
    subsidy_offered: Flag
    subsidy_slots_share: float
    subsidy_premium_share: float
    subsidy_state_share: float
    subsidy_donor_share: float
    subsidy_pool_share: float
    subsidy_funded: float  # part of the slots for which there is money
    subsidy_state_budget_rwf: float  # a person and year
    targeting: int  # codes.TARGET_*
    proxy_noise: float  # sd of what assets hide, in units of z
    merit_gradient: float  # of skill in z
    consultant_share: float
    consultant_boost: float
    training: float
    capture_share: float
    elite_share: float
    elite_correlation: float
    list_trust_bonus: float
    subsidy_automatic: float
    list_noise: float  # sd of the community's error in units of z
    poorest_share: float
    rich_share: float
    # income
    mean_consumption_rwf: float
    consumption_sd: float
    season: float
    shock_sd: float
    harvest_sd: float
    buffer_months: float
    consumption_share: float
    debt_cap_months: float
    repayment_share: float
    premium_saving_share: float
    # care
    need_rate: float
    illness_season: float
    illness_sd: float
    chronic_factor: float
    severe_share: float
    seek_intercept: float
    seek_price: float
    seek_distance: float
    seek_wait: float
    seek_quality: float
    seek_severity: float
    distance_factor: float
    fee_outpatient_rwf: float
    fee_admission_rwf: float
    cost_outpatient_rwf: float
    cost_admission_rwf: float
    copayment_rwf: int
    coinsurance_share: float
    outpatient_coinsurance: float
    formal_coinsurance_share: float
    admission_if_severe: float
    cost_log_sd: float
    # provider
    consultations_per_person: float  # capacity a month
    clinicians_per_person: float
    staff_adequacy: float
    staff_weight: float
    load_memory: float
    wait_scale_hours: float
    refusal_slope: float
    running_cost_share: float
    payment: int  # codes.PAY_*
    capitation_rwf: float  # per member and month
    induced_share: float
    target_visits: float  # contacts a person and month at the full price that would satisfy a provider
    case_upcoding: float  # mean bill relative to an honest one, less 1
    capitation_effort_loss: float
    capitation_referral: float
    tariff_discount: float  # at full size and training
    tariff_half_size: float  # members
    members_training: float
    drug_cost_rwf: float  # a contact
    drug_months: float
    empty_shelves: Flag  # drugs can run out
    hire_share: float
    hire_years: float
    posting_response: float
    faith_based_posts: float
    post_hazard: float  # a year
    post_load: float
    post_distance_km: float
    committed_share: float  # running cost that comes before drugs, of average revenue
    reserve_months: float  # of average revenue, above which a centre spends freely
    performance_rwf: float  # a contact at full quality
    performance_half_rwf: float  # a contact, at which half of its effect on effort is reached
    performance_donor_share: float
    effort_weight: float
    effort_base: float
    effort_paid: float
    effort_speed: float
    salary_rwf: float  # a clinician-month paid by government
    rationing: Flag
    # fund
    pool_share: float
    processing_share: float
    admin_share: float
    pool_grant_rwf: float
    deficit_rule: int
    arrears_limit_months: float
    pool_pays_outpatient: Flag
    national_pool: Flag
    levy_share: float
    sections_pay_hospital: Flag  # there are no pools
    national_share: float
    equalisation_share: float
    quota_share: float
    stop_loss: Flag
    stop_loss_retention: float
    stop_loss_loading: float
    stop_loss_cv: float
    pool_grant_donor_rwf: float
    # lenders
    loans_offered: Flag
    loans_to_members: Flag  # of associations only
    joint_liability: Flag
    loan_months: int
    loan_interest: float  # a year
    loan_fee_share: float
    loan_default_share: float
    loan_district_correlation: float
    loan_group_correlation: float
    loan_default_after: int  # months overdue
    loan_exclusion_months: int
    loan_exclusion_value: float  # months of consumption
    loan_social_sanction: float  # months of consumption
    loan_joint_cap: float
    lender_equity_rwf: float  # a person
    lender_borrowing_limit: float  # times equity
    lender_capital_ratio: float
    lender_liquidity_share: float
    lender_deposit_interest: float  # a year
    lender_borrowing_interest: float
    lender_operating_cost: float
    # groups
    group_savings: Flag
    group_saving_rwf: float  # a household and month
    group_pays_together: Flag
    group_deposits: Flag
    group_minimum_share: float
    group_vote_threshold: float
    group_required: Flag
    group_forming_size: int
    group_meeting_hours: float  # a household and month
    # fraud
    card_lending: float
    ghost_share: float
    billing_fraud_share: float
    embezzled_share: float
    honest_rejection: float
    audit_hours: float  # per claim
    audit_effect: float  # per hour and 1,000 claims
    audit_hour_rwf: float
    deterrence: float
    blame_provider_share: float
    trust_fraud: float
    # donors
    donor_budget_rwf: float  # a person and month
    assistance_rwf: float  # a person and month
    assistance_gain: float  # a month
    capacity_decay: float  # a month
    capacity_effect: float
    # trust
    trust_meetings: float
    trust_prompt: float
    trust_quality: float
    trust_arrears: float
    trust_coercion: float
    trust_fixed: Flag
    # formal sector
    formal_share: float
    formal_contribution_share: float
    # demography
    births: float
    deaths: float
    marriages: float
    chronic_onset: float


@is_bundle
class Fixed(NamedTuple):
    """What cannot change within a run."""

    key: tuple[int, int]
    persistence: float  # of the consumption position from year to year
    within_sd: float  # sd of the consumption position within a district
    between_sd: float  # and between districts
    own_frailty: F4  # quantiles
    shared_frailty: F4  # quantiles
    shared_frailty_variance: float
    household_size: I8  # quantiles
    need_by_age: F8  # relative need of the bands 0-4, 5-14, 15-49, 50 and over
    distance_median_km: float
    distance_log_sd: float
    taste_sd: float
    trust_sd: float
    group_share: float
    group_block: int  # households of which one group draws its members
    faith_based_share: float
    capacity_initial: float
    staffing_log_sd: float
    trust_initial: float
    heritage_share: float
    heritage_bonus: float
    enforcement_initial: float
    cost_cv2: float  # squared coefficient of variation of a bill, as households reckon
    bill_sizes: F8  # supplied sizes of bills relative to their mean; empty for lognormal bills
    bill_chances: F8  # and the probability of each or a smaller one
    chronic_years: float  # years of reference onset behind the chronic illness of the start
    watched_share: float  # of households that are interviewed every year
    coin_rwf: int  # amounts of money in the state are counted in this smallest coin
