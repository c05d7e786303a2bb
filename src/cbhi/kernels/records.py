"""The bundles of arrays that kernels take: state, rules, calendar and what a run writes.

Households, members, sections, districts and months are records, rows of structured arrays: passed as one
pointer, read and written by attribute. (Tuples with one array a field were tried first: every call copied
their 260 words, which made the monthly loop ten times and the compiler five times slower.) The field
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

F4 = NDArray[np.float32]
F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
# storage of a record's field: bytes, two bytes, four bytes; everything else takes eight
Flag = int
Small = int
Month = int
Count = int
Real = float
Table = NDArray[Any]
"""A structured array whose rows are records."""


class Record:
    """A row of a structured array; the annotations are its fields."""


def record_table(record: type[Record], rows: int | tuple[int, ...]) -> Table:
    """Return a structured array of zeros with the fields of ``record``."""
    kinds = {
        "int": np.int64,
        "float": np.float64,
        "Flag": np.int8,
        "Small": np.int8,
        "Month": np.int16,
        "Count": np.int32,
        "Real": np.float32,
    }
    dtype = np.dtype([(name, kinds[str(kind)]) for name, kind in record.__annotations__.items()], align=True)
    return np.zeros(rows, dtype=dtype).view(np.recarray)


class Household(Record):
    """A household; households of a section stand together, and rows past its ``end`` are free."""

    alive: Small
    ordinal: Count  # within its section; part of every key, never reused
    n_members: Small
    next_member: Small  # ordinal that the next newborn or newcomer gets; never reused
    n_enrolled: Small  # members under the household's policy
    formal: Small  # covered by a formal-sector insurer
    quintile: Small  # of consumption per adult equivalent, 0 the poorest
    category: Small  # poverty category as it is
    listed_category: Small  # as the authorities see it
    on_list: Small  # existed when the community list was last drawn up
    subsidised: Small  # holds a slot for the membership year on sale
    paid_before: Small  # was paid up when the last membership year ended
    subsidised_before: Small  # and held a slot then
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
    list_score: Real  # the community's view of log consumption at the last refresh
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


class Member(Record):
    """A member, in a slot of its household's row; slots 0 to n_members - 1 are filled."""

    born: Month  # absolute month
    ordinal: Small
    sex: Small
    chronic: Small
    enrolled: Small
    married: Small  # ever; widowed people count as married
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
    claims_average: float  # slow average of approved claims a month, RWF
    fund: int
    payables: int
    subsidy_left: int
    has_list: Flag  # the community has drawn up a list
    bad_months: int
    suspended: Flag
    claims_month: int  # health-centre claims approved this month
    health_centre_cash: int
    persons: int


class Groups(NamedTuple):
    """One entry an association (ibimina)."""

    households: I8
    eligible: I8  # households without formal cover
    recent: I8  # of these, with cover in the last 13 months


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
    formal_contributions: int  # of the month, the base of the levy


class State(NamedTuple):
    """Everything that changes while a run goes on."""

    households: Table  # (H,) of Household
    members: Table  # (H, member slots) of Member
    sections: Table  # of Section
    groups: Groups
    districts: Table  # of District
    outside: I8  # (D, sectors) net positions of sectors without accounts of their own


class Work(NamedTuple):
    """Buffers, so that the monthly loop allocates nothing."""

    movers: I8  # households of women who marry this month
    mover_member: I8
    partners: I8
    partner_member: I8
    partner_draw: F8
    histogram: I8


class CalendarMonth(Record):
    """One month: whether and for what cover is sold, and what happens or is read in it."""

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


class Output(NamedTuple):
    """What a run writes; integers are exact, reals are summed in a fixed order."""

    flows: I8  # (T, D, flows) francs
    stocks: I8  # (T + 1, D, stocks) francs; the first entry is the opening
    tallies: I8  # (T, D, tallies)
    gauges: F8  # (T, D, gauges)
    quintiles: I8  # (P, 5, quintile tallies)


class Rule(Record):
    """Rules and parameters in force in one month. Units as in ``cbhi.params``."""

    # premiums
    premium_poorest_rwf: int  # by category, or a household's premium in all three when by household
    premium_middle_rwf: int
    premium_rich_rwf: int
    premium_by_household: Flag
    household_covers: int
    unit_is_person: Flag
    waiting_months: int
    grace_months: int
    # enrolment
    intercept: float
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
    stockout_slope: float
    stock_speed: float
    refusal_slope: float
    running_cost_share: float
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
    staffing_log_sd: float
    trust_initial: float
    heritage_share: float
    heritage_bonus: float
    enforcement_initial: float
    cost_cv2: float  # squared coefficient of variation of a bill, as households reckon
    chronic_years: float  # years of reference onset behind the chronic illness of the start
