"""Quota-share and stop-loss cover that a section's fund buys from a reinsurer."""

from __future__ import annotations

import math

from cbhi.kernels.codes import REINSURANCE_PREMIUM, REINSURANCE_RECOVERY
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, Rule, Section

DENSITY_AT_ZERO = 1.0 / math.sqrt(2.0 * math.pi)


def excess_ratio(cv: float, retention: float) -> float:
    """Return the expected claims of a year beyond ``retention`` times their mean, relative to the mean.

    For normal claims with standard deviation cv times the mean:
    ``cv (phi(k) - k (1 - Phi(k)))`` with ``k = (retention - 1) / cv``.
    """
    k = (retention - 1.0) / cv
    density = DENSITY_AT_ZERO * math.exp(-0.5 * k * k)
    beyond = 0.5 * math.erfc(k / math.sqrt(2.0))
    return cv * (density - k * beyond)


def start_reinsurance_year(sec: Section, rule: Rule) -> None:
    """Agree on the claims per insured person-month that a calendar year's stop-loss cover expects.

    They are those of the year before, less what a quota share takes off, brought to this year's cost of a
    contact. A section without experience is not covered.
    """
    rate = 0.0
    if rule.stop_loss != 0 and sec.stop_loss_months > 0 and sec.stop_loss_cost > 0.0:
        trend = rule.cost_outpatient_rwf * sec.stop_loss_months / sec.stop_loss_cost
        rate = sec.stop_loss_claims / sec.stop_loss_months * trend
    sec.stop_loss_rate = rate
    sec.stop_loss_claims = 0
    sec.stop_loss_months = 0
    sec.stop_loss_cost = 0.0
    sec.stop_loss_recovered = 0


def stop_loss(sec: Section, retained_rwf: int, now: int, rule: Rule, flows: I8) -> int:
    """Pay the month's stop-loss premium and return what the reinsurer owes on the year's claims so far.

    Premium and limit follow the people insured: the premium is due by person-month, the limit is the
    retention times the claims expected of the person-months so far and of today's members for the rest of
    the year. A fund that cannot pay in full pays what it has and loses the cover for the rest of the year.
    """
    sec.stop_loss_claims += retained_rwf
    sec.stop_loss_months += sec.insured
    sec.stop_loss_cost += rule.cost_outpatient_rwf * sec.insured
    if sec.stop_loss_rate <= 0.0:
        return 0
    # the expectation comes from one year's claims, which vary as much as this year's
    cv = rule.stop_loss_cv * math.sqrt(1.0 + rule.stop_loss_retention**2)
    ratio = excess_ratio(cv, rule.stop_loss_retention) if cv > 0.0 else 0.0
    due = to_francs((1.0 + rule.stop_loss_loading) * ratio * sec.stop_loss_rate * sec.insured)
    premium = min(sec.fund, due)
    sec.fund -= premium
    flows[REINSURANCE_PREMIUM] += premium
    if premium < due:
        sec.stop_loss_rate = 0.0
        return 0
    months = sec.stop_loss_months + (11 - now % 12) * sec.insured
    limit = to_francs(rule.stop_loss_retention * sec.stop_loss_rate * months)
    owed = max(0, sec.stop_loss_claims - limit - sec.stop_loss_recovered)
    sec.stop_loss_recovered += owed
    return int(owed)


def reinsure(sec: Section, own_rwf: int, now: int, rule: Rule, flows: I8) -> None:
    """Settle with the reinsurer on the month's claims of own members.

    The quota share is rounded down; the stop-loss looks at what it leaves.
    """
    recovery = int(own_rwf * rule.quota_share)
    recovery += stop_loss(sec, own_rwf - recovery, now, rule, flows)
    sec.fund += recovery
    flows[REINSURANCE_RECOVERY] += recovery


compile_kernels(globals())
