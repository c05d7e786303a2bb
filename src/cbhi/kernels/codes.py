"""Integer codes: one per random decision, sector, flow, tally, gauge and reason.

Enumerations here are plain module constants because kernels freeze them when compiled. The tuples of
names beside them are the labels under which results appear; their order is the order of the codes.
"""

from __future__ import annotations

# --- one code per random decision (word 3 of the draw's address); never reuse a number ---------------
# entity: household
DRAW_HOUSEHOLD = 1  # size, consumption, distance, shared frailty
DRAW_HOUSEHOLD_2 = 2  # taste, trust offset, group, formal sector
DRAW_HOUSEHOLD_3 = 3  # couple or not, age and sex of the head
DRAW_MONTH = 4  # contacts, untreated episodes, income shock, attention
DRAW_CONTACT = 5  # member, severity, cost, admission (index: which contact)
DRAW_SUPPLY = 6  # order of service, refusal, admission cost (index: which contact)
DRAW_TASTE = 7  # taste of a membership year (month: the year's first month)
DRAW_CONSUMPTION = 8  # yearly change of consumption
DRAW_LIST = 9  # error of the community's list at one refresh
DRAW_PENALTY = 10  # penalty and service gate
DRAW_LOAN = 11  # own part of a loan's fate, where it stops, strategic resolve, approval
DRAW_PROXY = 12  # what the assets of a household hide from a proxy means test; for ever
DRAW_SKILL = 13  # skill in writing proposals, consultant
DRAW_ELITE = 14  # tie to local leaders; for ever
DRAW_CAPTURE = 15  # whether a slot is taken at distribution
DRAW_ELSEWHERE = 16  # whether and where a contact goes to another facility (index: which contact)
DRAW_CARD = 17  # borrowed card, and whether it is noticed (index: which contact)
DRAW_REGISTER = 18  # whether the authorities enrol a holder of a slot this month
DRAW_SURVEY = 19  # whether it is interviewed every year; for ever
# entity: member of a household
DRAW_MEMBER = 20  # age, sex, own frailty, chronic illness at the start
DRAW_LIFE = 21  # death, birth, marriage, chronic onset in one year
DRAW_PARTNER = 22  # choice among unmarried men
DRAW_TASTE_MEMBER = 23  # taste of one person for a membership year
DRAW_BORN = 24  # sex and frailty of a newborn
# entity: section
DRAW_ROLLOUT = 40  # order in which schemes open
DRAW_SECTION = 41  # staffing, heritage of mutual aid
DRAW_SLOTS = 42  # the fraction of a person in the number of slots
DRAW_VETO = 43  # the assembly's vote on a higher premium
DRAW_POST = 44  # a new health post
# entity: group (in the household's place of the address)
DRAW_GROUP = 50  # group's part of the fate of loans in one year
DRAW_MEETING = 51  # whether a group votes on cover this month
# entity: district (in the section's place of the address)
DRAW_DISTRICT = 60  # level of consumption
DRAW_HARVEST = 61  # harvest and illness of one year, district's part of the fate of loans

# --- sectors -----------------------------------------------------------------------------------------
HOUSEHOLDS = 0
SECTION_FUNDS = 1
POOLS = 2
HEALTH_CENTRES = 3
HOSPITALS = 4
LENDERS = 5
GROUPS = 6
NATIONAL_POOL = 7
# from here on: net positions of either sign
GOVERNMENT = 8
DONORS = 9
NGOS = 10
FORMAL_INSURERS = 11
REINSURERS = 12
REST_OF_WORLD = 13
N_SECTORS = 14
SECTORS = (
    "households",
    "section_funds",
    "pools",
    "health_centres",
    "hospitals",
    "lenders",
    "groups",
    "national_pool",
    "government",
    "donors",
    "ngos",
    "formal_insurers",
    "reinsurers",
    "rest_of_world",
)

# --- flows: every payment is one of these, with a fixed payer and payee -------------------------------
INCOME = 0
CONSUMPTION = 1
INFORMAL_LOAN = 2
INFORMAL_REPAYMENT = 3
ESTATE = 4
CONTRIBUTION = 5
SUBSIDY_STATE = 6
SUBSIDY_DONOR = 7
SUBSIDY_NGO = 8
POOL_SHARE = 9
POOL_GRANT = 10
LEVY = 11
BAIL_OUT_SECTION = 12
BAIL_OUT_POOL = 13
CLAIMS_OUTPATIENT = 14
CLAIMS_OUTPATIENT_POOL = 15
CLAIMS_HOSPITAL = 16
ADMINISTRATION = 17
COPAYMENT_HEALTH_CENTRE = 18
COPAYMENT_HOSPITAL = 19
FEE_HEALTH_CENTRE = 20
FEE_HOSPITAL = 21
FORMAL_CONTRIBUTION = 22
FORMAL_CLAIMS_HEALTH_CENTRE = 23
FORMAL_CLAIMS_HOSPITAL = 24
PENALTY = 25
RUNNING_COST_HEALTH_CENTRE = 26
RUNNING_COST_HOSPITAL = 27
SALARIES = 28
LOAN = 29
LOAN_REPAYMENT = 30
LOAN_INTEREST = 31
LENDER_EQUITY = 32
LENDER_BORROWING = 33
LENDER_REPAYMENT = 34
LENDER_INTEREST = 35
LENDER_OPERATING_COST = 36
DEPOSIT_INTEREST = 37
GROUP_SAVING = 38
GROUP_DEPOSIT = 39
GROUP_WITHDRAWAL = 40
GROUP_CONTRIBUTION = 41
SUBSIDY_POOL = 42
POOL_GRANT_DONOR = 43
BUDGET_SUPPORT = 44
ASSISTANCE = 45
NATIONAL_SHARE = 46
EQUALISATION_PAID = 47
EQUALISATION_RECEIVED = 48
NATIONAL_SUPPORT = 49
MERGED_UP = 50
REINSURANCE_PREMIUM = 51
REINSURANCE_RECOVERY = 52
CLAIMS_HOSPITAL_SECTION = 53
PERFORMANCE_STATE = 54
PERFORMANCE_DONOR = 55
DRUGS = 56
OWN_WAGES = 57
AUDIT = 58
EMBEZZLEMENT = 59
N_FLOWS = 60
# name, payer, payee, purpose
FLOWS = (
    ("income", REST_OF_WORLD, HOUSEHOLDS, "living"),
    ("consumption", HOUSEHOLDS, REST_OF_WORLD, "living"),
    ("informal_loan", REST_OF_WORLD, HOUSEHOLDS, "credit"),
    ("informal_repayment", HOUSEHOLDS, REST_OF_WORLD, "credit"),
    ("estate", HOUSEHOLDS, REST_OF_WORLD, "living"),
    ("contribution", HOUSEHOLDS, SECTION_FUNDS, "insurance"),
    ("subsidy_state", GOVERNMENT, SECTION_FUNDS, "subsidy"),
    ("subsidy_donor", DONORS, SECTION_FUNDS, "subsidy"),
    ("subsidy_ngo", NGOS, SECTION_FUNDS, "subsidy"),
    ("pool_share", SECTION_FUNDS, POOLS, "pooling"),
    ("pool_grant", GOVERNMENT, POOLS, "subsidy"),
    ("levy", FORMAL_INSURERS, POOLS, "pooling"),
    ("bail_out_section", GOVERNMENT, SECTION_FUNDS, "bail-out"),
    ("bail_out_pool", GOVERNMENT, POOLS, "bail-out"),
    ("claims_outpatient", SECTION_FUNDS, HEALTH_CENTRES, "care"),
    ("claims_outpatient_pool", POOLS, HEALTH_CENTRES, "care"),
    ("claims_hospital", POOLS, HOSPITALS, "care"),
    ("administration", SECTION_FUNDS, REST_OF_WORLD, "administration"),
    ("copayment_health_centre", HOUSEHOLDS, HEALTH_CENTRES, "care"),
    ("copayment_hospital", HOUSEHOLDS, HOSPITALS, "care"),
    ("fee_health_centre", HOUSEHOLDS, HEALTH_CENTRES, "care"),
    ("fee_hospital", HOUSEHOLDS, HOSPITALS, "care"),
    ("formal_contribution", HOUSEHOLDS, FORMAL_INSURERS, "insurance"),
    ("formal_claims_health_centre", FORMAL_INSURERS, HEALTH_CENTRES, "care"),
    ("formal_claims_hospital", FORMAL_INSURERS, HOSPITALS, "care"),
    ("penalty", HOUSEHOLDS, GOVERNMENT, "enforcement"),
    ("running_cost_health_centre", HEALTH_CENTRES, REST_OF_WORLD, "provision"),
    ("running_cost_hospital", HOSPITALS, REST_OF_WORLD, "provision"),
    ("salaries", GOVERNMENT, REST_OF_WORLD, "provision"),
    ("loan", LENDERS, HOUSEHOLDS, "credit"),
    ("loan_repayment", HOUSEHOLDS, LENDERS, "credit"),
    ("loan_interest", HOUSEHOLDS, LENDERS, "credit"),
    ("lender_equity", REST_OF_WORLD, LENDERS, "credit"),
    ("lender_borrowing", REST_OF_WORLD, LENDERS, "credit"),
    ("lender_repayment", LENDERS, REST_OF_WORLD, "credit"),
    ("lender_interest", LENDERS, REST_OF_WORLD, "credit"),
    ("lender_operating_cost", LENDERS, REST_OF_WORLD, "administration"),
    ("deposit_interest", LENDERS, GROUPS, "credit"),
    ("group_saving", HOUSEHOLDS, GROUPS, "insurance"),
    ("group_deposit", GROUPS, LENDERS, "credit"),
    ("group_withdrawal", LENDERS, GROUPS, "credit"),
    ("group_contribution", GROUPS, SECTION_FUNDS, "insurance"),
    ("subsidy_pool", POOLS, SECTION_FUNDS, "subsidy"),
    ("pool_grant_donor", DONORS, POOLS, "subsidy"),
    ("budget_support", DONORS, GOVERNMENT, "subsidy"),
    ("assistance", DONORS, REST_OF_WORLD, "administration"),
    ("national_share", SECTION_FUNDS, NATIONAL_POOL, "pooling"),
    ("equalisation_paid", POOLS, NATIONAL_POOL, "pooling"),
    ("equalisation_received", NATIONAL_POOL, POOLS, "pooling"),
    ("national_support", NATIONAL_POOL, POOLS, "pooling"),
    ("merged_up", SECTION_FUNDS, POOLS, "pooling"),
    ("reinsurance_premium", SECTION_FUNDS, REINSURERS, "reinsurance"),
    ("reinsurance_recovery", REINSURERS, SECTION_FUNDS, "reinsurance"),
    ("claims_hospital_section", SECTION_FUNDS, HOSPITALS, "care"),
    ("performance_state", GOVERNMENT, HEALTH_CENTRES, "provision"),
    ("performance_donor", DONORS, HEALTH_CENTRES, "provision"),
    ("drugs", HEALTH_CENTRES, REST_OF_WORLD, "provision"),
    ("own_wages", HEALTH_CENTRES, REST_OF_WORLD, "provision"),
    ("audit", SECTION_FUNDS, REST_OF_WORLD, "administration"),
    ("embezzlement", SECTION_FUNDS, REST_OF_WORLD, "fraud"),
)

FLOW_PAYER = tuple(flow[1] for flow in FLOWS)
FLOW_PAYEE = tuple(flow[2] for flow in FLOWS)
PAID_BY_GOVERNMENT = tuple(kind for kind, payer in enumerate(FLOW_PAYER) if payer == GOVERNMENT)
PAID_BY_DONORS = tuple(kind for kind, payer in enumerate(FLOW_PAYER) if payer == DONORS)

# --- stocks: read from the state itself at the end of each month, so that checks can fail -------------
# the first N_SECTORS stocks are the sectors' money
STOCK_DEBT = 14
STOCK_PAYABLES_SECTION = 15
STOCK_PAYABLES_POOL = 16
STOCK_PAYABLES_SECTION_HOSPITAL = 17
STOCK_LOANS = 18
STOCK_LOAN_INTEREST = 19
STOCK_GROUP_DEPOSITS = 20
STOCK_LENDER_BORROWING = 21
STOCK_OWED_BETWEEN_SECTIONS = 22
STOCK_POOL_OWES_CENTRES = 23
N_STOCKS = 24
STOCKS = (
    *SECTORS,
    "household_debt",
    "payables_sections",
    "payables_pools",
    "payables_sections_hospital",
    "loans_outstanding",
    "loan_interest_outstanding",
    "group_deposits",
    "lender_borrowing",
    "owed_between_sections",
    "payables_pools_health_centres",
)

# --- tallies: whole people, events and francs that are no transfer ------------------------------------
PERSONS = 0
HOUSEHOLDS_ALIVE = 1
PERSONS_OPEN = 2
PERSONS_FORMAL = 3
INSURED = 4
PAID = 5
RECENT_MEMBERS = 6
SUBSIDISED_PAID = 7
POOR = 8
POOR_PAID = 9
POOR_SLOTS = 10
SLOTS = 11
ENROLMENTS = 12
RENEWALS = 13
RENEWALS_DUE = 14
LAPSE_UNAFFORDABLE = 15
LAPSE_UNWILLING = 16
LAPSE_INATTENTIVE = 17
LAPSE_SUBSIDY_LOST = 18
HOUSEHOLD_MONTHS_SOLD = 19
HOUSEHOLD_MONTHS_INSURED = 20
EPISODES = 21
CONTACTS_WANTED = 22
VISITS_INSURED = 23
VISITS_UNINSURED = 24
VISITS_FORMAL = 25
ADMISSIONS = 26
FORGONE_UNSOUGHT = 27
FORGONE_CAPACITY = 28
FORGONE_REFUSED = 29
FORGONE_CASH = 30
CAPACITY = 31
BIRTHS = 32
DEATHS = 33
HOUSEHOLDS_FORMED = 34
HOUSEHOLDS_DISSOLVED = 35
MARRIAGES_WITHOUT_ROOM = 36
BIRTHS_WITHOUT_ROOM = 37
PENALTIES = 38
GATE_REFUSALS = 39
BILLED_HEALTH_CENTRE = 40
BILLED_HOSPITAL = 41
CLAIMS_APPROVED_SECTION = 42
CLAIMS_APPROVED_POOL = 43
PAYABLES_MOVED_TO_POOL = 44
DEBT_WRITTEN_OFF = 45
PERSONS_ENROLLED = 46
CHRONIC = 47
WOMEN = 48
WOMEN_INSURED = 49
RISK_PREMIUM_CAPPED = 50
CATASTROPHIC = 51
DECISIONS = 52
SUBSIDY_BUDGET = 53
PREMIUMS_BORROWED = 54
REFUSED_AND_PAID = 55
LOANS = 56
LOANS_REFUSED = 57
LOAN_DEFAULTS = 58
LOAN_DEFAULTS_STRATEGIC = 59
LOAN_DEFAULTS_INSURED = 60
LOAN_MONTHS = 61
LOAN_MONTHS_INSURED = 62
LOAN_MONTHS_LATE = 63
LOAN_WRITTEN_OFF = 64
LOAN_INTEREST_CHARGED = 65
LOAN_INTEREST_WRITTEN_OFF = 66
LOAN_COVERED_BY_GROUP = 67
PERSONS_BY_CASH = 68
PERSONS_BY_LOAN = 69
PERSONS_BY_GROUP = 70
PERSONS_BY_SUBSIDY = 71
POOR_BY_CASH = 72
POOR_BY_LOAN = 73
POOR_BY_GROUP = 74
POOR_BY_SUBSIDY = 75
GROUP_VOTES = 76
GROUP_VOTES_PASSED = 77
GROUPS_FORMED = 78
BOTTOM40 = 79
BOTTOM40_SLOTS = 80
CAPTURED_SLOTS = 81
INDUCED_RWF = 82
UPCODED_RWF = 83
GHOST_RWF = 84
CLAIMS_REJECTED_SECTION = 85
FRAUD_FOUND_RWF = 86
VISITS_BORROWED_CARD = 87
CARDS_FOUND = 88
EMBEZZLEMENT_FOUND_RWF = 89
VISITS_ELSEWHERE = 90
PORTABLE_CLAIMS = 91
PORTABLE_SETTLED = 92
CAPITATION_BILLED = 93
CLAIMS_APPROVED_SECTION_HOSPITAL = 94
PAYABLES_HOSPITAL_MOVED = 95
PREMIUM_VETOES = 96
PREMIUM_CHANGES = 97
SECTIONS_MERGED = 98
SECTIONS_SUSPENDED = 99
POSTS_OPENED = 100
INFLATED_RWF = 101
CATASTROPHIC_25 = 102
VISITS_REFUSED = 103
PERSON_MONTHS = 104  # people at the start of the month, as INSURED are counted
FORMAL_MONTHS = 105  # and those with formal cover
AT_ANNIVERSARY = 106  # people whose year's spending on care is looked at this month
N_TALLIES = 107
TALLIES = (
    "persons",
    "households",
    "persons_open",
    "persons_formal",
    "insured",
    "paid",
    "recent_members",
    "subsidised_paid",
    "poor",
    "poor_paid",
    "poor_with_slot",
    "slots_used",
    "enrolments",
    "renewals",
    "renewals_due",
    "lapse_unaffordable",
    "lapse_unwilling",
    "lapse_inattentive",
    "lapse_subsidy_lost",
    "household_months_sold",
    "household_months_insured",
    "episodes",
    "contacts_wanted",
    "visits_insured",
    "visits_uninsured",
    "visits_formal",
    "admissions",
    "forgone_unsought",
    "forgone_capacity",
    "forgone_refused",
    "forgone_cash",
    "capacity",
    "births",
    "deaths",
    "households_formed",
    "households_dissolved",
    "marriages_without_room",
    "births_without_room",
    "penalties",
    "gate_refusals",
    "billed_health_centre",
    "billed_hospital",
    "claims_approved_section",
    "claims_approved_pool",
    "payables_moved_to_pool",
    "debt_written_off",
    "persons_enrolled",
    "chronic",
    "women",
    "women_insured",
    "risk_premium_capped",
    "catastrophic",
    "decisions",
    "subsidy_budget",
    "premiums_borrowed",
    "refused_and_paid",
    "loans",
    "loans_refused",
    "loan_defaults",
    "loan_defaults_strategic",
    "loan_defaults_insured",
    "loan_months",
    "loan_months_insured",
    "loan_months_late",
    "loan_written_off",
    "loan_interest_charged",
    "loan_interest_written_off",
    "loan_covered_by_group",
    "persons_by_cash",
    "persons_by_loan",
    "persons_by_group",
    "persons_by_subsidy",
    "poor_by_cash",
    "poor_by_loan",
    "poor_by_group",
    "poor_by_subsidy",
    "group_votes",
    "group_votes_passed",
    "groups_formed",
    "bottom40",
    "bottom40_slots",
    "captured_slots",
    "induced_rwf",
    "upcoded_rwf",
    "ghost_rwf",
    "claims_rejected_section",
    "fraud_found_rwf",
    "visits_borrowed_card",
    "cards_found",
    "embezzlement_found_rwf",
    "visits_elsewhere",
    "portable_claims",
    "portable_settled",
    "capitation_billed",
    "claims_approved_section_hospital",
    "payables_hospital_moved",
    "premium_vetoes",
    "premium_changes",
    "sections_merged",
    "sections_suspended",
    "posts_opened",
    "inflated_rwf",
    "catastrophic_25",
    "visits_refused",
    "person_months",
    "formal_months",
    "at_anniversary",
)

# --- gauges: sums of real numbers, weighted by persons, for averages -----------------------------------
GAUGE_TRUST = 0
GAUGE_QUALITY = 1
GAUGE_STOCK = 2
GAUGE_LOAD = 3
GAUGE_WAIT = 4
GAUGE_ARREARS = 5
GAUGE_EXPECTED_ENROLLED = 6
GAUGE_CLINICIANS = 7
GAUGE_FORGONE_PRICE = 8
GAUGE_FORGONE_DISTANCE = 9
GAUGE_FORGONE_SERVICE = 10
GAUGE_FORGONE_NO_NEED = 11
GAUGE_ADMIN_CAPACITY = 12
GAUGE_EFFORT = 13
GAUGE_PREMIUM_FACTOR = 14
GAUGE_OWN_CLINICIANS = 15
GAUGE_AUDIT_HOURS = 16
GAUGE_MEETING_HOURS = 17
GAUGE_BLAME = 18
N_GAUGES = 19
GAUGES = (
    "trust",
    "quality",
    "drug_stock",
    "load",
    "wait_hours",
    "arrears_months",
    "expected_enrolled",
    "clinicians",
    "forgone_price",
    "forgone_distance",
    "forgone_service",
    "forgone_no_felt_need",
    "admin_capacity",
    "provider_effort",
    "premium_factor",
    "own_clinicians",
    "audit_hours",
    "meeting_hours",
    "provider_blame",
)

# --- by stratum: quintile of consumption times true poverty category, once a reporting period ------------
S_PERSONS = 0
S_PAID = 1
S_FORMAL = 2
S_SLOTS = 3
S_WOMEN = 4
S_WOMEN_PAID = 5
S_PERSON_MONTHS = 6
S_INSURED_MONTHS = 7
S_FORMAL_MONTHS = 8
S_EPISODES = 9
S_FORGONE_UNSOUGHT = 10
S_FORGONE_CAPACITY = 11
S_FORGONE_REFUSED = 12
S_FORGONE_CASH = 13
S_VISITS = 14
S_VISITS_INSURED = 15
S_VISITS_FORMAL = 16
S_VISITS_WOMEN = 17
S_ADMISSIONS = 18
S_ADMISSIONS_INSURED = 19
S_ADMISSIONS_FORMAL = 20
S_ADMISSIONS_WOMEN = 21
S_OUT_OF_POCKET = 22
S_OUT_OF_POCKET_INSURED = 23
S_OUT_OF_POCKET_FORMAL = 24
S_CLAIMS = 25
S_CLAIMS_FORMAL = 26
S_CATASTROPHIC = 27
S_CATASTROPHIC_25 = 28
S_CONTRIBUTIONS = 29
S_SPONSORED = 30
S_BY_CASH = 31
S_BY_LOAN = 32
S_BY_GROUP = 33
S_BY_SUBSIDY = 34
S_RENEWALS_DUE = 35
S_RENEWALS = 36
S_AT_ANNIVERSARY = 37
N_STRATUM_TALLIES = 38
STRATUM_TALLIES = (
    "persons",
    "paid",
    "persons_formal",
    "slots_used",
    "women",
    "women_paid",
    "person_months",
    "insured_months",
    "formal_months",
    "episodes",
    "forgone_unsought",
    "forgone_capacity",
    "forgone_refused",
    "forgone_cash",
    "visits",
    "visits_insured",
    "visits_formal",
    "visits_women",
    "admissions",
    "admissions_insured",
    "admissions_formal",
    "admissions_women",
    "out_of_pocket",
    "out_of_pocket_insured",
    "out_of_pocket_formal",
    "claims",
    "claims_formal",
    "catastrophic",
    "catastrophic_25",
    "contributions",
    "sponsored",
    "persons_by_cash",
    "persons_by_loan",
    "persons_by_group",
    "persons_by_subsidy",
    "renewals_due",
    "renewals",
    "at_anniversary",
)

# --- states -------------------------------------------------------------------------------------------
STANDING_INATTENTIVE = 0
STANDING_UNWILLING = 1
STANDING_UNAFFORDABLE = 2
STANDING_PAID = 3

# places in this tuple
DEFICIT_RULES = ("carry", "suspend", "bail_out", "merge")
DEFICIT_SUSPEND = 1
DEFICIT_BAIL_OUT = 2
DEFICIT_MERGE = 3
PAYMENTS = ("fee", "case", "capitation")
PAY_FEE = 0
PAY_CASE = 1
PAY_CAPITATION = 2
TARGETING = ("community", "proxy_means", "merit", "geographic", "random", "universal", "hybrid")
TARGET_COMMUNITY = 0
TARGET_PROXY = 1
TARGET_MERIT = 2
TARGET_GEOGRAPHIC = 3
TARGET_RANDOM = 4
TARGET_UNIVERSAL = 5
TARGET_HYBRID = 6
ENROLMENT_UNITS = ("household", "person", "group")
UNIT_HOUSEHOLD = 0
UNIT_PERSON = 1
UNIT_GROUP = 2
# what paid a household's own part of its latest premium
BY_CASH = 0
BY_GROUP = 1
BY_LOAN = 2

POOREST = 0
MIDDLE = 1
RICH = 2

MALE = 0
FEMALE = 1

NO_GROUP = -1

# households founded during a run are numbered from here, so that their keys do not depend on how many
# households there were at the start
FIRST_FOUNDED = 1 << 24

# most members a household can hold; births beyond it are counted as births_without_room
MEMBER_SLOTS = 12
QUINTILES = 5
CATEGORIES = 3
STRATA = 15  # quintiles times categories

# lists of a section's households that `start_of_month` notes in ``Work.lists``: those with contacts wanted,
# those that act on cover this month, and those with a loan; the fourth is noted by `pass_anniversaries`
LIST_PATIENTS = 0
LIST_ACTING = 1
LIST_BORROWERS = 2
LIST_ANNIVERSARIES = 3
LIST_APPLICANTS = 4  # `month.enrol_section`: those that asked for a loan and wait for the answer
N_LISTS = 5
