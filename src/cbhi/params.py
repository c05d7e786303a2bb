"""The parameters of a scenario: typed, bounded, each with unit, source and confidence.

A parameter is one field of one of the sections below. ``confidence`` is ``published`` (read in the
source named), ``recalled`` (known, no source at hand), ``derived`` (computed from such facts) or
``assumption`` (no evidence: a starting value inside a range) or ``choice`` (a rule or a switch that a
scenario sets). ``fitted`` marks values found by
``cbhi calibrate``. "Design text" names the priors that the founders wrote down before fitting,
from the literature as they remembered it. Money is in whole francs, shares run from 0 to 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.fields import FieldInfo

Confidence = Literal["published", "recalled", "derived", "assumption", "fitted", "choice"]


_CHOICES = ("on/off", "choice")


def _parameter(
    default: Any,
    title: str,
    unit: str,
    low: float | None = None,
    high: float | None = None,
    source: str = "",
    confidence: Confidence = "assumption",
) -> Any:
    if not source:
        source = "a choice of the scenario" if unit in _CHOICES else "no evidence at hand"
        confidence = "choice" if unit in _CHOICES else confidence
    return Field(
        default=default,
        title=title,
        ge=low,
        le=high,
        json_schema_extra={"unit": unit, "source": source, "confidence": confidence},
    )


_MONTH = re.compile(r"^\d{4}-(0[1-9]|1[0-2])$")


def _check_series(series: dict[str, float]) -> dict[str, float]:
    if not series:
        raise ValueError("a series needs at least one entry such as '2005-07' = 353")
    for month in series:
        if not _MONTH.match(month):
            raise ValueError(f"'{month}' is not a month; write it like '2005-07'")
    if any(value < 0 for value in series.values()):
        raise ValueError("a series holds no negative values")
    return dict(sorted(series.items()))


def _check_exit(month: Any) -> Any:
    if month == "never" or (isinstance(month, str) and _MONTH.match(month)):
        return month
    raise ValueError("write a month like '2009-07', or 'never'")


Series = Annotated[dict[str, float], AfterValidator(_check_series)]
"""Values by month ("2005-07"), linear in between and constant outside."""


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Premium(_Section):
    """Premium per person and membership year, by poverty category as listed."""

    poorest: int = _parameter(1000, "premium, poorest category", "RWF per person per year", 0, 1_000_000)
    middle: int = _parameter(1000, "premium, middle category", "RWF per person per year", 0, 1_000_000)
    rich: int = _parameter(1000, "premium, rich category", "RWF per person per year", 0, 1_000_000)


class Switches(_Section):
    """One switch a mechanism; off means absent, everything else unchanged."""

    private_information: bool = _parameter(True, "households know their own risk", "on/off")
    risk_aversion: bool = _parameter(True, "households value less uncertainty", "on/off")
    peers: bool = _parameter(True, "neighbours' membership counts", "on/off")
    groups: bool = _parameter(True, "households belong to associations", "on/off")
    trust: bool = _parameter(True, "trust moves and counts", "on/off")
    quality: bool = _parameter(True, "quality of care counts", "on/off")
    inertia: bool = _parameter(True, "membership is a habit", "on/off")
    mobilisation: bool = _parameter(True, "local leaders mobilise", "on/off")
    mandate: bool = _parameter(True, "compulsion has penalties", "on/off")
    service_gate: bool = _parameter(True, "services are refused to non-members", "on/off")
    subsidies: bool = _parameter(True, "premiums of the poorest are paid", "on/off")
    targeting_errors: bool = _parameter(True, "communities misjudge poverty", "on/off")
    cash_gate: bool = _parameter(True, "premiums must be paid from spare cash", "on/off")
    informal_debt: bool = _parameter(True, "bills above cash may be borrowed", "on/off")
    waiting: bool = _parameter(True, "new cover starts after a waiting period", "on/off")
    season: bool = _parameter(True, "income and illness have seasons", "on/off")
    income_shocks: bool = _parameter(True, "household income varies by chance", "on/off")
    common_shocks: bool = _parameter(True, "districts share harvests and epidemics", "on/off")
    chronic_illness: bool = _parameter(True, "some are chronically ill", "on/off")
    rationing: bool = _parameter(True, "contacts above capacity are turned away", "on/off")
    queues: bool = _parameter(True, "waiting deters", "on/off")
    arrears_feedback: bool = _parameter(True, "arrears empty shelves and turn members away", "on/off")
    pooling: bool = _parameter(True, "sections pay into pools", "on/off")
    formal_sector: bool = _parameter(True, "formal employees have other cover", "on/off")
    demography: bool = _parameter(True, "people are born, marry and die", "on/off")
    rollout: bool = _parameter(True, "schemes open over the years; off: all open at the start", "on/off")
    supply_growth: bool = _parameter(
        True, "staff and facilities grow and respond; off: those of the start for ever", "on/off"
    )
    donors: bool = _parameter(True, "donors pay what the rules ask of them", "on/off")
    fraud: bool = _parameter(
        False, "cards are lent, bills invented, premiums embezzled, books audited", "on/off"
    )


class Population(_Section):
    """Who exists. Not datable."""

    persons: Series = _parameter({"1999-07": 8_147_912}, "people in the country", "persons")
    household_size: float = _parameter(4.63, "mean household size at the start", "persons", 1, 10)
    household_size_dispersion: float = _parameter(
        12.0, "size of the negative binomial for members beyond the first", "-", 0.5, 1000
    )
    districts: int = _parameter(30, "districts", "districts", 1, 1000)
    sections: int = _parameter(
        403, "sections, each a scheme and a health-centre catchment", "sections", 1, 100_000
    )
    consumption_persistence: float = _parameter(
        0.8,
        "year-to-year correlation of log consumption",
        "-",
        0,
        1,
        "design text, prior 0.7 to 0.9",
        "recalled",
    )
    district_share_of_variance: float = _parameter(
        0.1, "share of the variance of log consumption between districts", "share", 0, 0.9
    )
    shared_frailty_variance: float = _parameter(
        0.4,
        "variance of health risk shared in a household",
        "-",
        0,
        5,
        "design text, prior 0.2 to 0.6",
        "recalled",
    )
    own_frailty_variance: float = _parameter(
        1.0, "variance of a person's own health risk", "-", 0, 10, "design text, prior 0.5 to 2", "recalled"
    )
    distance_median_km: float = _parameter(
        4.0,
        "median distance to a health centre with the facilities of the last year of the series",
        "km",
        0,
        100,
        "design text, prior 3 to 5",
        "recalled",
    )
    distance_log_sd: float = _parameter(0.6, "sd of log distance", "-", 0, 2)
    group_share: float = _parameter(0.5, "households in an association", "share", 0, 1)
    group_size: float = _parameter(
        30.0,
        "households in an association",
        "households",
        2,
        500,
        "New Times 2013: 30 (Gishamvu)",
        "published",
    )
    years_of_chronic_onset: float = _parameter(
        40.0, "years of onset behind the chronic illness of the start", "years", 0, 100
    )


class Income(_Section):
    """Consumption, season and cash."""

    mean_consumption_rwf: float = _parameter(
        205_000.0,
        "mean consumption per adult equivalent and year, in prices of the reference year",
        "RWF per adult equivalent per year",
        1_000,
        100_000_000,
        "poverty line of 2011 over 0.575 of the mean",
        "derived",
    )
    reference_year: int = _parameter(
        2011, "year whose prices the money amounts here are in", "year", 1900, 2200
    )
    nominal_growth: float = _parameter(
        0.09,
        "growth of nominal consumption, fees, costs and wages",
        "share per year",
        -0.2,
        1,
        "poverty lines and headcounts; 0.06 to 0.12",
    )
    gini: Series = _parameter({"2000-07": 0.485}, "Gini coefficient of consumption", "share")
    season_amplitude: float = _parameter(
        0.3, "amplitude of income over the year", "share", 0, 0.9, "design text, prior 0.2 to 0.5", "recalled"
    )
    season_peak_month: int = _parameter(
        7, "month of highest income (July, after the long-rains harvest)", "month", 1, 12
    )
    shock_sd: float = _parameter(0.2, "monthly variation of a household's income", "share", 0, 0.57)
    harvest_log_sd: float = _parameter(0.1, "variation of a district's harvest from year to year", "-", 0, 1)
    buffer_months: float = _parameter(
        0.25,
        "cash kept in hand, in months of consumption",
        "months",
        0,
        12,
        "design text, prior 0.1 to 0.5",
        "recalled",
    )
    consumption_share: float = _parameter(
        0.8, "share of cash above the buffer consumed in a month", "share", 0.05, 1
    )
    debt_cap_months: float = _parameter(
        1.0, "informal credit available, in months of consumption", "months", 0, 24
    )
    repayment_share: float = _parameter(0.1, "share of cash above the buffer that repays debt", "share", 0, 1)
    smallest_coin_rwf: int = _parameter(
        1, "smallest amount of money in use; every payment is a multiple of it", "RWF", 1, 1024
    )
    premium_saving_share: float = _parameter(
        0.3,
        "consumption above the buffer given up to save for a premium wished for and out of reach",
        "share",
        0,
        1,
    )


class Scheme(_Section):
    """The contract between scheme and member."""

    enrolment_unit: Literal["household", "person", "group"] = _parameter(
        "household",
        "who enrols: all of a household at once, each person, or the households of an association by vote",
        "choice",
    )
    premium_basis: Literal["household", "person"] = _parameter(
        "person", "what the premium is charged for", "choice"
    )
    premium_rwf: Premium = Field(default=Premium(), title="premium per person by category")
    household_premium_rwf: int = _parameter(
        2500,
        "premium of a household, where charged by household",
        "RWF per household per year",
        0,
        10_000_000,
        "pilot contract",
        "recalled",
    )
    household_premium_covers: int = _parameter(
        7, "members that one household premium covers", "persons", 1, 50, "pilot contract", "recalled"
    )
    calendar: Literal["rolling", "fixed"] = _parameter(
        "rolling", "cover runs twelve months from payment, or by membership years", "choice"
    )
    year_start_month: int = _parameter(1, "month in which membership years start", "month", 1, 12)
    open_months_before: int = _parameter(
        5,
        "months before its start in which a membership year is on sale",
        "months",
        0,
        11,
        "field worker's account of the enrolment rules, 2009: opens in August for the next calendar year",
        "published",
    )
    open_months_after: int = _parameter(
        6,
        "months from its start in which a membership year is on sale",
        "months",
        1,
        12,
        "field worker's account of the enrolment rules, 2009: closed after June",
        "published",
    )
    waiting_months: int = _parameter(
        1,
        "months between payment and benefits for new members",
        "months",
        0,
        24,
        "field worker's account of the enrolment rules, 2009: 30 days",
        "published",
    )
    grace_months: int = _parameter(
        1, "months after expiry in which a renewal has no waiting period", "months", 0, 24
    )
    premium_rule: Literal["set", "break_even"] = _parameter(
        "set", "premiums as set by the rules, or by each section to break even on its claims", "choice"
    )
    premium_loading: float = _parameter(
        0.1,
        "safety loading of a break-even premium",
        "share",
        0,
        1,
        "design text, prior 0.05 to 0.25",
        "recalled",
    )
    premium_credibility_member_years: float = _parameter(
        5000.0,
        "member-years at which a section's own claims weigh as much as the country's mean",
        "member-years",
        0,
        1e9,
        "design text, prior 2,000 to 10,000",
        "recalled",
    )
    premium_cap_share: float = _parameter(
        0.3,
        "largest change of a break-even premium in a year",
        "share",
        0,
        1,
        "design text, 0.1 to 0.5",
        "assumption",
    )
    premium_reserve_months: float = _parameter(
        3.0, "reserve that a break-even premium builds up within a year", "months of claims", 0, 60
    )
    premium_deficit_share: float = _parameter(
        1.0, "part of what the fund lacks that the next break-even premium makes up", "share", 0, 1
    )
    premium_surplus_share: float = _parameter(
        1.0 / 3.0, "part of what the fund has too much that the next one gives back", "share", 0, 1
    )
    premium_veto_slope: float = _parameter(
        0.0,
        "distrust in the assembly's vote: a higher premium fails with 1 - exp(-slope * (1 - trust))",
        "per unit of distrust",
        0,
        50,
        "design text, 0 to 2",
        "assumption",
    )
    portability_share: float = _parameter(
        0.0,
        "members' contacts at another health centre of the district; nearer sections first",
        "share",
        0,
        1,
    )


class Enrolment(_Section):
    """How households decide."""

    intercept: float = _parameter(-1.0, "utility of cover at the reference", "logits", -20, 20)
    price_slope: float = _parameter(
        20.0, "weight of net gain relative to consumption", "logits per share of annual consumption", 0, 1000
    )
    income_gradient: float = _parameter(0.2, "weight of log relative consumption", "logits", -5, 5)
    peer_weight: float = _parameter(
        2.0,
        "weight of the share of neighbours with recent cover",
        "logits",
        -10,
        10,
        "design text, prior N(2, 1)",
        "recalled",
    )
    group_share_of_peers: float = _parameter(
        0.5, "part of the peer effect that comes from the own association", "share", 0, 1
    )
    trust_weight: float = _parameter(
        1.5, "weight of trust", "logits over 0 to 1", -10, 10, "design text, prior N(1.5, 0.7)", "recalled"
    )
    quality_weight: float = _parameter(1.0, "weight of the quality of care", "logits over 0 to 1", -10, 10)
    inertia: float = _parameter(
        1.5,
        "weight of cover in the last thirteen months",
        "logits",
        -10,
        10,
        "Mebratie et al. 2015 (Ethiopia): renewal 82 %, entry 25 %; design text, prior N(1.5, 0.7)",
        "recalled",
    )
    taste_sd: float = _parameter(1.0, "sd of the persistent taste for cover", "logits", 0, 10)
    taste_of_year: Literal["logistic", "uniform"] = _parameter(
        "logistic", "distribution of the taste of one membership year", "-"
    )
    taste_of_year_scale: float = _parameter(
        1.0,
        "scale of that taste: of the logistic distribution, or the width of the uniform one; 0 for none",
        "logits",
        0,
        20,
    )
    attention_per_month: float = _parameter(
        0.35, "probability of acting on one's wish in a month", "share per month", 0, 1
    )
    attention_before_share: float = _parameter(
        0.4, "attention before the membership year starts, relative to after", "share", 0, 1
    )
    hassle_rwf: float = _parameter(
        300.0, "cost of registering, in prices of the reference year", "RWF per household", 0, 1_000_000
    )
    private_information: float = _parameter(
        0.5,
        "precision of private information on health risk",
        "share",
        0,
        1,
        "design text, prior U(0, 1)",
        "recalled",
    )
    risk_aversion: float = _parameter(
        1.0, "relative risk aversion", "-", 0, 20, "design text, prior LogN(0, 0.5)", "recalled"
    )
    risk_premium_cap: float = _parameter(
        2.0,
        "risk premium at most, relative to expected spending without cover",
        "ratio",
        0,
        100,
    )
    access_value: float = _parameter(
        0.5, "value of a visit that cover makes possible, relative to its cost", "share", 0, 10
    )
    trust_offset_sd: float = _parameter(0.1, "spread of trust between households", "0 to 1", 0, 1)


class Mandate(_Section):
    """Mobilisation by local leaders, compulsion and what enforces it."""

    compulsory: bool = _parameter(False, "membership is compulsory by law", "on/off")
    mobilisation_effort: float = _parameter(
        0.0, "effort of campaigns and of local leaders under targets", "share", 0, 1
    )
    mobilisation_weight: float = _parameter(
        2.0,
        "weight of full effort at full capacity",
        "logits",
        0,
        20,
        "design text, prior N(2, 1.5)",
        "recalled",
    )
    initial_capacity: float = _parameter(
        0.3, "authorities' capacity to follow up at the start", "share", 0, 1
    )
    capacity_growth_per_year: float = _parameter(
        0.5, "growth of that capacity under effort", "share per year", 0, 12
    )
    enforcement_max: float = _parameter(
        0.1, "probability per year of a fine, at full capacity", "share per year", 0, 1
    )
    penalty_rwf: int = _parameter(5000, "fine of a household without cover", "RWF", 0, 10_000_000)
    gate_probability: float = _parameter(
        0.1,
        "probability per month that a non-member is refused a service, at full capacity",
        "share per month",
        0,
        1,
        "assumptions: penalty_service_gate, 0 to 0.3",
    )
    gate_cost_share: float = _parameter(
        0.1, "loss from one refused service, in months of consumption", "share", 0, 5
    )


class Subsidy(_Section):
    """Premiums paid for the poorest."""

    offered: bool = _parameter(False, "premiums of the poorest are paid by others", "on/off")
    slots_share: float = _parameter(0.0, "share of people whose premium the budget pays", "share", 0, 1)
    premium_share: float = _parameter(1.0, "part of the premium that is paid", "share", 0, 1)
    state_share: float = _parameter(0.0, "part of the subsidy borne by government", "share", 0, 1)
    donor_share: float = _parameter(1.0, "part borne by donors; NGOs bear what no other does", "share", 0, 1)
    cross_subsidy_share: float = _parameter(
        0.0, "part borne by the district's pool, from levies and premiums", "share", 0, 1
    )
    state_budget_rwf_per_person: float = _parameter(
        1e6, "most that government pays for subsidies in a year, per person of the section", "RWF", 0, 2e9
    )
    targeting: Literal["community", "proxy_means", "merit", "geographic", "random", "universal", "hybrid"] = (
        _parameter("community", "how the slots find their households", "choice")
    )
    proxy_r2: float = _parameter(
        0.5,
        "variance of log consumption that a proxy means test explains",
        "share",
        0.0001,
        1,
        "design text, 0.4 to 0.6",
        "recalled",
    )
    merit_correlation: float = _parameter(
        0.25,
        "correlation of skill in writing proposals with log consumption",
        "-",
        0,
        0.99,
        "design text: -0.1 to -0.4 with poverty, a claim of the source paper only",
    )
    consultant_share: float = _parameter(
        0.0, "households of the better-off half whose proposal a consultant writes", "share", 0, 1
    )
    consultant_boost: float = _parameter(1.0, "what a consultant adds to skill", "sd of skill", 0, 10)
    training: float = _parameter(
        0.0, "what training adds to the skill of the poorest category", "sd of skill", 0, 10
    )
    capture_share: float = _parameter(
        0.04,
        "slots that relatives of local leaders take at distribution",
        "share",
        0,
        1,
        "Alatas et al.: at most 8 percentage points; design text, 0 to 0.08",
        "recalled",
    )
    elite_share: float = _parameter(
        0.15,
        "households tied to local leaders",
        "share",
        0,
        1,
        "Alatas et al.: leaders at most 15 % of people",
        "recalled",
    )
    elite_correlation: float = _parameter(
        0.055,
        "correlation of that tie with log consumption",
        "-",
        0,
        1,
        "Alatas et al.: leaders 9 % richer, over the sd of log consumption",
        "derived",
    )
    list_trust_bonus: float = _parameter(
        0.0,
        "trust gained when the community draws up its own list",
        "0 to 1",
        0,
        1,
        "design text, 0 to 0.1; direction from Alatas et al. 2012",
    )
    registration_per_month: float = _parameter(
        0.5, "probability that the authorities enrol a listed household in a month", "share per month", 0, 1
    )
    list_correlation: float = _parameter(
        0.65,
        "correlation of the community's score with log consumption",
        "-",
        0.01,
        1,
        "design text, prior 0.5 to 0.75",
        "recalled",
    )
    refresh_years: int = _parameter(
        3, "years between lists", "years", 1, 50, "design text, prior about every 3 years", "recalled"
    )
    poorest_share: float = _parameter(
        0.248, "people in the poorest category", "share", 0, 1, "assumptions: category_share_poorest"
    )
    rich_share: float = _parameter(
        0.007, "people in the rich category", "share", 0, 1, "assumptions: category_share_rich"
    )


class Care(_Section):
    """Need, seeking care, prices and cost."""

    need_per_person_year: float = _parameter(
        3.5,
        "perceived episodes of a person with reference risk",
        "episodes per person per year",
        0,
        200,
        "design text, prior 3 to 4",
        "recalled",
    )
    need_under_5: float = _parameter(1.7, "need relative to the reference, under 5", "ratio", 0, 10)
    need_5_to_14: float = _parameter(0.7, "need relative to the reference, 5 to 14", "ratio", 0, 10)
    need_15_to_49: float = _parameter(0.85, "need relative to the reference, 15 to 49", "ratio", 0, 10)
    need_50_and_over: float = _parameter(1.4, "need relative to the reference, 50 and over", "ratio", 0, 10)
    chronic_factor: float = _parameter(2.0, "need of the chronically ill relative to others", "ratio", 1, 20)
    season_amplitude: float = _parameter(0.2, "amplitude of illness over the year", "share", 0, 0.9)
    season_peak_month: int = _parameter(
        5, "month of most illness (May, malaria after the long rains)", "month", 1, 12
    )
    epidemic_log_sd: float = _parameter(0.1, "variation of a district's illness from year to year", "-", 0, 1)
    severe_share: float = _parameter(0.1, "episodes that are severe", "share", 0, 1)
    seek_intercept: float = _parameter(
        -0.5, "logit of seeking care, free, near and without delay", "logits", -10, 10
    )
    seek_price: float = _parameter(
        1.5, "weight of log(1 + price / daily household consumption)", "logits", 0, 20
    )
    seek_distance: float = _parameter(
        0.095,
        "weight of distance",
        "logits per km",
        0,
        2,
        "Joharifard 2012: odds ratio 0.909 per km (deliveries)",
        "published",
    )
    seek_wait: float = _parameter(0.2, "weight of waiting", "logits per hour", 0, 5)
    seek_quality: float = _parameter(1.5, "weight of quality short of full", "logits over 0 to 1", 0, 10)
    seek_severity: float = _parameter(1.5, "weight of severity", "logits", 0, 10)
    admission_if_severe: float = _parameter(
        0.1,
        "severe contacts that are admitted",
        "share",
        0,
        1,
        "admissions per contact of 0.02 (0.015 to 0.04) over the share of severe contacts",
        "derived",
    )
    user_fee_outpatient_rwf: float = _parameter(
        600.0,
        "fee of an uninsured contact, in prices of the fee year",
        "RWF per contact",
        0,
        1_000_000,
        "assumptions: user_fee_outpatient, 300 to 1,000",
    )
    user_fee_year: int = _parameter(2000, "year whose prices the fee is in", "year", 1900, 2200)
    user_fee_admission_share: float = _parameter(
        1.0, "uninsured price of an admission relative to its cost", "share", 0, 5
    )
    cost_outpatient_rwf: float = _parameter(
        1000.0,
        "full cost of a contact billed to an insurer, in prices of the reference year",
        "RWF per contact",
        0,
        10_000_000,
        "assumptions: cost_outpatient, 700 to 1,500",
    )
    cost_admission_rwf: float = _parameter(
        22_000.0,
        "full cost of an admission, in prices of the reference year",
        "RWF per admission",
        0,
        100_000_000,
        "assumptions: cost_admission, 12,000 to 40,000",
    )
    cost_log_sd: float = _parameter(
        0.83,
        "sd of the log of a bill (coefficient of variation 1)",
        "-",
        0,
        3,
        "design text, prior coefficient of variation about 1",
        "recalled",
    )
    copayment_rwf: int = _parameter(
        200, "co-payment at the health centre", "RWF per contact", 0, 1_000_000, "ILO GESS page", "published"
    )
    coinsurance_share: float = _parameter(
        0.1, "patient's part of a hospital bill", "share", 0, 1, "NYT 2012: 10 %", "published"
    )


class Provider(_Section):
    """Staff, facilities, queues and quality."""

    clinicians: Series = _parameter({"2005-07": 5298}, "nurses, midwives and physicians", "persons")
    health_centres: Series = _parameter(
        {"2005-07": 353}, "health centres; only their growth counts, through distance", "facilities"
    )
    curative_share: float = _parameter(
        0.3,
        "part of clinicians' time in curative consultations at health centres",
        "share",
        0,
        1,
        "design text: 4 clinicians per catchment of 20,000 give 1.07 visits",
    )
    consultations_per_hour: float = _parameter(
        4.0, "consultations of a clinician", "per hour", 0.1, 60, "design text, prior 3 to 5", "recalled"
    )
    hours_per_year: float = _parameter(
        1500.0,
        "consulting hours of a full-time clinician",
        "hours per year",
        1,
        8760,
        "design text",
        "recalled",
    )
    adequate_clinicians_per_1000: float = _parameter(
        0.85,
        "clinicians per 1,000 people at which staffing no longer limits quality",
        "per 1,000 persons",
        0.001,
        1000,
        "level of 2010: 8,806 for 10.3 million",
        "derived",
    )
    staffing_log_sd: float = _parameter(0.3, "spread of staffing between sections", "-", 0, 2)
    staff_weight: float = _parameter(0.6, "weight of staffing in quality; drugs have the rest", "share", 0, 1)
    load_memory: float = _parameter(
        0.3,
        "speed at which expected load follows load",
        "share per month",
        0.01,
        1,
        "design text",
        "assumption",
    )
    wait_scale_hours: float = _parameter(0.5, "waiting at half load", "hours", 0, 24)
    running_cost_share: float = _parameter(
        0.5,
        "part of free cash spent in a month: a hospital's, and a health centre's above its reserve",
        "share per month",
        0,
        1,
    )
    committed_share: float = _parameter(
        0.6, "running cost that a health centre pays before it buys drugs, of average revenue", "share", 0, 1
    )
    reserve_months: float = _parameter(
        2.0, "average revenue that a health centre keeps before it spends freely", "months", 0, 60
    )
    wage_rwf_per_month: float = _parameter(
        60_000.0,
        "clinician's wage, in prices of the wage year",
        "RWF per month",
        0,
        100_000_000,
        "assumptions: clinician_wage_month, 40,000 to 90,000",
    )
    wage_year: int = _parameter(2005, "year whose prices the wage is in", "year", 1900, 2200)
    payment: Literal["fee", "case", "capitation"] = _parameter(
        "fee", "how the scheme pays health centres: each bill, a sum a case, or a sum a member", "choice"
    )
    capitation_rwf: float = _parameter(
        1000.0,
        "sum a member and year under capitation, in prices of the reference year",
        "RWF per member per year",
        0,
        1_000_000,
        "about what health centres bill a member by fee in the Rwanda case",
    )
    induced_share: float = _parameter(
        0.1,
        "items added to an insured patient's bill by a provider without any income, paid by fee",
        "share",
        0,
        3,
        "design text, 0 to 0.3",
        "recalled",
    )
    target_visits_per_person: float = _parameter(
        0.5,
        "contacts a person and year at full price that make up a provider's target income",
        "visits per person per year",
        0,
        100,
    )
    case_upcoding_share: float = _parameter(
        0.05,
        "cases that are coded as dearer ones, paid by case",
        "share",
        0,
        1,
        "design text, 0 to 0.15",
        "recalled",
    )
    case_upcoding_markup: float = _parameter(1.0, "what coding a case up adds to its price", "share", 0, 10)
    capitation_effort_loss: float = _parameter(0.1, "loss of effort under capitation", "share", 0, 1)
    capitation_referral: float = _parameter(
        0.1, "severe contacts referred to the hospital beyond those in need, under capitation", "share", 0, 1
    )
    tariff_discount_share: float = _parameter(
        0.0, "discount that a scheme of any size with well-trained members bargains for", "share", 0, 1
    )
    tariff_half_size: float = _parameter(
        50_000.0, "members of a fund at which half of that discount is reached", "persons", 1, 1e9
    )
    members_training_share: float = _parameter(
        0.0, "members' training and organisation, on which bargaining depends", "share", 0, 1
    )
    drug_cost_share: float = _parameter(0.35, "drugs in the full cost of a contact", "share", 0, 1)
    drug_stock_months: float = _parameter(
        2.0, "drugs that a health centre orders up to", "months of use", 0.1, 24
    )
    hire_share: float = _parameter(
        0.0,
        "part of its revenue for which a health centre paid on time takes on own clinicians",
        "share",
        0,
        1,
        "clinicians of the series count everybody; above 0 they come on top",
    )
    hire_years: float = _parameter(
        2.0,
        "years in which own clinicians follow revenue",
        "years",
        0.1,
        20,
        "design text, 1 to 3",
        "recalled",
    )
    posting_response: float = _parameter(
        0.1, "part of public posts that follow unmet need each year", "share per year", 0, 1
    )
    faith_based_share: float = _parameter(
        0.4, "health centres in faith-based hands", "share", 0, 1, "about 40 % of facilities", "recalled"
    )
    faith_based_posts: float = _parameter(
        1.0, "public posts at a faith-based health centre relative to a public one", "ratio", 0, 10
    )
    post_hazard: float = _parameter(
        0.0, "probability that a new health post opens where care is far and wanting", "share per year", 0, 1
    )
    post_load: float = _parameter(1.0, "load above which care counts as wanting", "ratio", 0, 2)
    post_distance_km: float = _parameter(5.0, "distance beyond which care counts as far", "km", 0, 100)
    performance_rwf: float = _parameter(
        0.0,
        "performance payment a contact at full quality, in prices of the reference year",
        "RWF per contact",
        0,
        1_000_000,
    )
    performance_half_rwf: float = _parameter(
        50.0,
        "performance payment a contact at which half of its effect on effort is reached",
        "RWF per contact",
        1,
        1_000_000,
        "no evidence; effort of 0.84 at the payments of Rwanda, where quality was 80 to 95 %",
    )
    performance_donor_share: float = _parameter(0.0, "part of it borne by donors", "share", 0, 1)
    effort_weight: float = _parameter(0.2, "weight of staff's effort in quality", "share", 0, 1)
    effort_base: float = _parameter(0.6, "effort without performance payments", "share", 0, 1)
    effort_paid: float = _parameter(
        0.9,
        "effort that very large performance payments lead to",
        "share",
        0,
        1,
        "three years of performance payment in Rwanda: quality 80 to 95 %",
        "recalled",
    )
    effort_speed: float = _parameter(
        0.15,
        "speed at which effort moves there",
        "share per month",
        0.001,
        1,
        "the same: within 18 months",
        "recalled",
    )


class Fund(_Section):
    """The scheme's accounts."""

    pool_share: float = _parameter(
        0.2,
        "part of premium income passed to the pool",
        "share",
        0,
        1,
        "design text, prior 0.1 to 0.5",
        "recalled",
    )
    processing_share: float = _parameter(
        0.6,
        "part of unpaid claims processed in a month",
        "share per month",
        0,
        1,
        "design text, prior 0.3 to 0.9",
        "recalled",
    )
    administration_share: float = _parameter(
        0.12,
        "administrative cost relative to premium income",
        "share",
        0,
        1,
        "design text, prior 0.10 to 0.25",
        "recalled",
    )
    pool_grant_rwf: float = _parameter(
        0.0, "state grant to the pool", "RWF per insured person per year", 0, 1_000_000
    )
    deficit_rule: Literal["carry", "suspend", "bail_out", "merge"] = _parameter(
        "carry", "what happens when a fund stays in arrears beyond the limit", "choice"
    )
    arrears_limit_months: float = _parameter(
        3.0,
        "arrears beyond which the rule acts, after three months",
        "months of claims",
        0,
        60,
        "design text",
        "assumption",
    )
    pool_pays_outpatient: bool = _parameter(False, "the pool pays health-centre claims too", "on/off")
    national_pool: bool = _parameter(False, "one pool for the country", "on/off")
    national_share: float = _parameter(
        0.0,
        "part of premium income passed to the national pool",
        "share",
        0,
        1,
        "design text, prior 0.05 to 0.3",
        "recalled",
    )
    equalisation_share: float = _parameter(
        0.0, "part of the difference in claims per member that districts even out", "share", 0, 1
    )
    quota_share: float = _parameter(
        0.0, "part of a section's premiums and claims passed to a reinsurer", "share", 0, 1
    )
    stop_loss: bool = _parameter(False, "a reinsurer pays a section's claims beyond a limit", "on/off")
    stop_loss_retention: float = _parameter(
        1.25,
        "limit relative to expected claims",
        "ratio",
        0.1,
        10,
        "design text, 1.1 to 1.5",
        "assumption",
    )
    stop_loss_loading: float = _parameter(0.2, "reinsurer's loading", "share", 0, 10)
    stop_loss_cv: float = _parameter(
        0.3, "coefficient of variation of a section's yearly claims, as the reinsurer reckons", "-", 0.001, 10
    )
    refusal_slope: float = _parameter(
        0.1,
        "members refused per month of arrears",
        "per month",
        0,
        5,
        "design text, prior 0.05 to 0.3",
        "assumption",
    )


class Trust(_Section):
    """Trust in the scheme."""

    initial: float = _parameter(
        0.4, "trust at the start", "0 to 1", 0, 1, "assumptions: trust_initial, 0.2 to 0.6"
    )
    heritage_share: float = _parameter(
        0.4,
        "sections with a heritage of faith-based mutual aid",
        "share",
        0,
        1,
        "about 40 % of facilities are faith-based",
        "recalled",
    )
    heritage_bonus: float = _parameter(0.1, "their additional trust at the start", "0 to 1", 0, 1)
    meetings_per_month: float = _parameter(
        0.01,
        "gain from meetings",
        "per month",
        0,
        1,
        "design text, prior 0.02, times or over 3",
        "assumption",
    )
    prompt_payment_per_month: float = _parameter(
        0.01,
        "gain from claims paid promptly",
        "per month",
        0,
        1,
        "design text, prior 0.02, times or over 3",
        "assumption",
    )
    quality_per_month: float = _parameter(0.03, "speed at which trust follows quality", "per month", 0, 1)
    arrears_per_month: float = _parameter(
        0.05,
        "loss per three months of arrears, and from refusals",
        "per month",
        0,
        1,
        "design text, prior 0.05, times or over 3",
        "assumption",
    )
    coercion_per_month: float = _parameter(
        0.01,
        "loss from compulsion at full enforcement",
        "per month",
        0,
        1,
        "design text, prior 0.02, times or over 3",
        "assumption",
    )


class Loans(_Section):
    """Premium loans of a lender in each district, and the lender's own limits."""

    offered: bool = _parameter(False, "a lender advances premiums", "on/off")
    borrowers: Literal["members", "everyone"] = _parameter(
        "members", "who may borrow: members of associations, or every household", "choice"
    )
    liability: Literal["individual", "joint"] = _parameter(
        "individual", "who answers for a loan: the borrower, or its association with it", "choice"
    )
    months: int = _parameter(
        12,
        "monthly instalments",
        "months",
        1,
        36,
        "Banque Populaire micro-credit page: at most 12 months",
        "published",
    )
    interest_share_per_year: float = _parameter(
        0.15,
        "interest on the falling balance",
        "share per year",
        0,
        3,
        "mutuelle loans of the Banques Populaires, 15 %",
        "recalled",
    )
    fee_share: float = _parameter(0.0, "fee, spread over the instalments", "share of the loan", 0, 1)
    default_share: float = _parameter(
        0.04,
        "loans whose borrower stops paying for reasons outside the model",
        "share of loans",
        0,
        1,
        "design text, 2 to 10 % a year; Umurenge SACCO Ruhuha: 7.2 % problem loans",
        "recalled",
    )
    district_correlation: float = _parameter(
        0.1,
        "part of such luck that a district shares in a year",
        "share",
        0,
        0.5,
        "design text, 0.05 to 0.2",
        "recalled",
    )
    group_correlation: float = _parameter(
        0.1,
        "part that an association shares in a year",
        "share",
        0,
        0.5,
        "design text, 0.05 to 0.2",
        "recalled",
    )
    default_after_months: int = _parameter(
        6, "months overdue after which a loan is written off", "months", 1, 60
    )
    exclusion_months: int = _parameter(24, "months without credit after a default", "months", 0, 600)
    exclusion_value_months: float = _parameter(
        6.0,
        "most that losing access to credit is worth to a borrower",
        "months of consumption",
        0,
        1000,
        "no evidence; with it 2 to 10 % of premium loans are lost",
    )
    social_sanction_months: float = _parameter(
        3.0,
        "most that the group's displeasure costs, under joint liability",
        "months of consumption",
        0,
        1000,
        "no evidence; with it 2 to 10 % of premium loans are lost",
    )
    joint_cap: float = _parameter(
        2.0,
        "debt that a member pays at most under joint liability, relative to its own instalment",
        "ratio",
        1,
        100,
    )
    equity_rwf_per_person: float = _parameter(
        50.0,
        "lender's own capital for premium loans, per person of the district, in prices of the reference year",
        "RWF per person",
        0,
        1_000_000,
    )
    borrowing_limit: float = _parameter(
        4.0, "what other banks lend it at most, relative to its equity", "ratio", 0, 100
    )
    capital_ratio: float = _parameter(
        0.15, "equity over loans at least", "share", 0, 1, "design text, 0.12 to 0.15", "recalled"
    )
    liquidity_share: float = _parameter(
        0.2, "cash over deposits at least", "share", 0, 1, "design text", "recalled"
    )
    deposit_interest_share_per_year: float = _parameter(
        0.04, "interest on groups' deposits", "share per year", 0, 1
    )
    borrowing_interest_share_per_year: float = _parameter(
        0.08,
        "interest that the lender pays other banks",
        "share per year",
        0,
        1,
        "design text, example",
        "recalled",
    )
    operating_cost_per_year: float = _parameter(
        0.15,
        "lender's cost relative to its loans",
        "share per year",
        0,
        3,
        "design text, example",
        "recalled",
    )


class Associations(_Section):
    """What associations (ibimina) do for cover beyond counting as peers."""

    savings: bool = _parameter(False, "associations save for their families' premiums", "on/off")
    weekly_rwf: float = _parameter(
        100.0,
        "saved by a family a week, in prices of the reference year",
        "RWF per household per week",
        0,
        1_000_000,
    )
    pay_together: bool = _parameter(
        True,
        "an association pays once its savings cover all its families that wait; off: each in turn",
        "on/off",
    )
    deposits: bool = _parameter(True, "savings lie with the lender where there is one", "on/off")
    minimum_share: float = _parameter(
        0.0,
        "families of an association that must be for cover before any of them can join",
        "share",
        0,
        1,
        "60 % and more recommended for group enrolment",
        "recalled",
    )
    vote_threshold: float = _parameter(
        0.6,
        "families for cover that bind an association, where it enrols as one",
        "share",
        0,
        1,
        "design text, 0.5 to 1",
        "recalled",
    )
    required: bool = _parameter(
        False, "only members of associations may join; others by forming one", "on/off"
    )
    forming_size: int = _parameter(
        20,
        "families that form an association together",
        "households",
        2,
        500,
        "Kudumbashree, groups of about 20",
        "recalled",
    )
    meeting_hours_per_month: float = _parameter(
        4.0, "time that a family gives to its association", "hours per month", 0, 200
    )


class Fraud(_Section):
    """Fraud and what audit finds of it; nothing of this happens while the switch is off."""

    card_lending_share: float = _parameter(
        0.05,
        "contacts of people without cover that show a borrowed card",
        "share",
        0,
        1,
        "design text: leakage 0.02 to 0.15",
        "recalled",
    )
    ghost_share: float = _parameter(
        0.03,
        "claims for contacts that never were, relative to true ones",
        "share",
        0,
        5,
        "design text: leakage 0.02 to 0.15",
        "recalled",
    )
    billing_share: float = _parameter(
        0.03,
        "what providers add to claims unlawfully",
        "share",
        0,
        5,
        "design text: leakage 0.02 to 0.15",
        "recalled",
    )
    embezzled_share: float = _parameter(
        0.02, "premium income that disappears", "share", 0, 1, "design text: leakage 0.02 to 0.15", "recalled"
    )
    honest_rejection_share: float = _parameter(
        0.0, "honest claims rejected where everything is audited", "share", 0, 1
    )
    audit_hours_per_1000_claims: float = _parameter(5.0, "audit", "hours per 1,000 claims", 0, 10_000)
    audit_effect: float = _parameter(
        0.1,
        "detection = 1 - exp(-effect * hours)",
        "per hour and 1,000 claims",
        0,
        10,
        "design text, 0.05 to 0.5",
        "recalled",
    )
    deterrence_share: float = _parameter(0.5, "part of fraud that certain detection deters", "share", 0, 1)
    audit_hour_rwf: float = _parameter(
        1000.0, "an hour of audit, in prices of the reference year", "RWF per hour", 0, 1_000_000
    )
    blame_provider_share: float = _parameter(
        0.5, "part of the blame for bills found false that falls on the health centre", "share", 0, 1
    )
    trust_loss: float = _parameter(
        0.3,
        "trust lost relative to the share found false, each month",
        "ratio",
        0,
        100,
        "design text: sign only",
    )


class Donors(_Section):
    """Donors: what they pay beside subsidies, on which conditions, and when they leave."""

    exit_month: Annotated[str, BeforeValidator(_check_exit)] = Field(
        default="never",
        title="month from which donors withdraw, or never",
        json_schema_extra={"unit": "month", "source": "a choice of the scenario", "confidence": "choice"},
    )
    taper_months: int = _parameter(
        0, "months over which they withdraw", "months", 0, 600, "design text, 0 to 36", "recalled"
    )
    fungibility_share: float = _parameter(
        0.0,
        "government money that each franc of donors for the same purpose displaces",
        "share",
        0,
        1,
        "design text, 0 to 0.6",
        "recalled",
    )
    pool_grant_rwf: float = _parameter(
        0.0, "donors' grant to the pool", "RWF per insured person per year", 0, 1_000_000
    )
    budget_support_rwf: float = _parameter(
        0.0,
        "donors' money for the health budget, in prices of the reference year",
        "RWF per person per year",
        0,
        1_000_000,
    )
    condition_outpatient_share: float = _parameter(
        0.0, "part of a health-centre bill that their conditions take out of the package", "share", 0, 1
    )
    condition_hospital_share: float = _parameter(
        0.0, "part of patients' share of hospital bills that their conditions take into it", "share", 0, 1
    )
    assistance_rwf: float = _parameter(
        0.0,
        "technical assistance, in prices of the reference year",
        "RWF per person per year",
        0,
        1_000_000,
    )
    assistance_gain_per_year: float = _parameter(
        0.5, "growth of administrative capacity towards its full under assistance", "share per year", 0, 12
    )
    capacity_initial: float = _parameter(0.0, "schemes' administrative capacity at the start", "share", 0, 1)
    capacity_decay_per_year: float = _parameter(
        0.05, "administrative capacity lost a year", "share per year", 0, 12, "design text", "assumption"
    )
    capacity_effect: float = _parameter(
        0.5,
        "part of unpaid claims, of administrative cost and of missed fraud that full capacity takes away",
        "share",
        0,
        1,
    )


class Formal(_Section):
    """Other insurers' members: an exogenous stratum."""

    share: Series = _parameter({"2004-07": 0.02}, "people insured by formal schemes", "share")
    contribution_share: float = _parameter(
        0.075,
        "contribution from a formal household's income",
        "share",
        0,
        0.9,
        "Gakwaya et al.: employee's half of 15 % of base salary",
        "published",
    )
    coinsurance_share: float = _parameter(
        0.15, "patient's part of a formal member's bill", "share", 0, 1, "15 %, no source at hand", "recalled"
    )
    levy_share: float = _parameter(0.0, "levy on formal insurers' contributions for the pools", "share", 0, 1)


class Demography(_Section):
    """Factors on the reference rates of birth, death, marriage and chronic onset."""

    births: float = _parameter(1.0, "births to married women relative to the reference", "ratio", 0, 2)
    deaths: float = _parameter(1.0, "deaths relative to the reference", "ratio", 0, 5)
    marriages: float = _parameter(1.0, "marriages relative to the reference", "ratio", 0, 4)
    chronic_onset: float = _parameter(1.0, "chronic onset relative to the reference", "ratio", 0, 20)


class Rollout(_Section):
    """Where and when schemes open. Not datable."""

    pilot_districts: int = _parameter(
        3, "districts of the pilot", "districts", 0, 1000, "Schneider & Diop 2001", "published"
    )
    pilot_sections: int = _parameter(
        54, "schemes of the pilot", "schemes", 0, 100_000, "Schneider & Diop 2001", "published"
    )
    pilot_month: str = Field(
        default="1999-07",
        pattern=_MONTH.pattern,
        title="month in which the pilot schemes open",
        json_schema_extra={
            "unit": "month",
            "source": "PHR pilot report TR66; ILO GESS page",
            "confidence": "published",
        },
    )
    schemes: Series = _parameter({"1999-07": 54, "2007-12": 403}, "schemes open, counted", "schemes")
    lateness: float = _parameter(
        1.0,
        "exponent on the counted share of the schemes beyond the pilot that are open; above 1: later",
        "-",
        0.2,
        5,
        "1: as counted; the counts are recalled with ranges (assumptions: schemes_open)",
    )


class Observation(_Section):
    """How published figures see the truth."""

    overcount_share: float = _parameter(
        0.05,
        "over-count of administrative coverage under full targets",
        "share",
        0,
        0.5,
        "design text, prior factor 1.0 to 1.3",
    )
    overcount_before_targets: float = _parameter(
        0.0, "over-count before targets for local leaders", "share", 0, 0.5
    )
    targets: bool = _parameter(False, "local leaders report against targets", "on/off")


class Parameters(_Section):
    """All parameters of one moment."""

    switches: Switches = Switches()
    population: Population = Population()
    income: Income = Income()
    scheme: Scheme = Scheme()
    enrolment: Enrolment = Enrolment()
    mandate: Mandate = Mandate()
    subsidy: Subsidy = Subsidy()
    care: Care = Care()
    provider: Provider = Provider()
    fund: Fund = Fund()
    trust: Trust = Trust()
    loans: Loans = Loans()
    groups: Associations = Associations()
    fraud: Fraud = Fraud()
    donors: Donors = Donors()
    formal: Formal = Formal()
    demography: Demography = Demography()
    rollout: Rollout = Rollout()
    observation: Observation = Observation()


UNDATED = frozenset(
    {
        "population",
        "rollout",
        "income.reference_year",
        "care.user_fee_year",
        "provider.wage_year",
        "trust.initial",
        "trust.heritage_share",
        "trust.heritage_bonus",
        "mandate.initial_capacity",
        "provider.staffing_log_sd",
        "enrolment.taste_sd",
        "income.smallest_coin_rwf",
        "enrolment.trust_offset_sd",
        "observation.overcount_before_targets",
        "care.need_under_5",
        "care.need_5_to_14",
        "care.need_15_to_49",
        "care.need_50_and_over",
        "switches.rollout",
        "switches.groups",
        "provider.faith_based_share",
        "provider.faith_based_posts",
        "loans.equity_rwf_per_person",
        "donors.exit_month",
        "donors.taper_months",
        "donors.capacity_initial",
        "income.gini",
        "income.nominal_growth",
        "formal.share",
        "provider.clinicians",
        "provider.health_centres",
    }
)
"""Keys and sections that describe the start or are series already: an event cannot change them."""


class ParameterInfo(BaseModel):
    """What is known about one parameter."""

    key: str
    title: str
    unit: str
    default: Any
    low: float | None
    high: float | None
    choices: tuple[str, ...] | None
    source: str
    confidence: str
    datable: bool


def _bounds(field: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for rule in field.metadata:
        low = getattr(rule, "ge", low)
        high = getattr(rule, "le", high)
    return low, high


def _walk(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _walk(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def parameter_table() -> dict[str, ParameterInfo]:
    """Return what is known about every parameter, by its full key such as ``care.copayment_rwf``."""
    table = {}
    for key, field in _walk(Parameters, ""):
        extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        low, high = _bounds(field)
        arguments = getattr(field.annotation, "__args__", ())
        choices = arguments if arguments and all(isinstance(a, str) for a in arguments) else None
        table[key] = ParameterInfo(
            key=key,
            title=field.title or key,
            unit=str(extra.get("unit", "-")),
            default=field.default,
            low=low,
            high=high,
            choices=choices,
            source=str(extra.get("source", "")),
            confidence=str(extra.get("confidence", "assumption")),
            datable=not (key in UNDATED or key.split(".")[0] in UNDATED),
        )
    return table
