"""Quota-share and stop-loss cover that a section's fund buys from a reinsurer."""

from __future__ import annotations

import math

from cbhi.kernels.codes import REINSURANCE_PREMIUM, REINSURANCE_RECOVERY
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, Rule, Section

DENSITY_AT_ZERO = 1.0 / math.sqrt(2.0 * math.pi)


def expected_excess(mean_rwf: float, cv: float, retention: float) -> float:
    """Return the expected claims of a year beyond ``retention`` times their mean, RWF.

    For normal claims with standard deviation cv times the mean:
    ``sd (phi(k) - k (1 - Phi(k)))`` with ``k = (retention - 1) / cv``.
    """
    k = (retention - 1.0) / cv
    density = DENSITY_AT_ZERO * math.exp(-0.5 * k * k)
    beyond = 0.5 * math.erfc(k / math.sqrt(2.0))
    return cv * mean_rwf * (density - k * beyond)


def start_reinsurance_year(sec: Section, rule: Rule) -> None:
    """Set the limit and the monthly premium of a section's stop-loss cover for the calendar year.

    Expected claims are twelve months of the slow average, less what a quota share takes off. A section
    without experience is not covered; the contract stands for the year, whatever the rules become.
    """
    sec.stop_loss_claims = 0
    sec.stop_loss_limit = 0
    sec.stop_loss_premium = 0
    expected = 12.0 * sec.claims_average * (1.0 - rule.quota_share)
    if rule.stop_loss == 0 or expected < 1.0:
        return
    sec.stop_loss_limit = to_francs(rule.stop_loss_retention * expected)
    excess = expected_excess(expected, rule.stop_loss_cv, rule.stop_loss_retention)
    sec.stop_loss_premium = to_francs((1.0 + rule.stop_loss_loading) * excess / 12.0)


def reinsure(sec: Section, approved_rwf: int, rule: Rule, flows: I8) -> None:
    """Pay the month's stop-loss premium and receive what the reinsurer owes on the month's claims.

    The quota share is rounded down; the stop-loss looks at what it leaves. A fund that cannot pay the
    stop-loss premium in full pays what it has and has no such cover for the rest of the year.
    """
    recovery = int(approved_rwf * rule.quota_share)
    if sec.stop_loss_limit > 0:
        premium = min(sec.fund, sec.stop_loss_premium)
        sec.fund -= premium
        flows[REINSURANCE_PREMIUM] += premium
        if premium < sec.stop_loss_premium:
            sec.stop_loss_limit = 0
    if sec.stop_loss_limit > 0:
        retained = approved_rwf - recovery
        sec.stop_loss_claims += retained
        recovery += min(retained, max(0, sec.stop_loss_claims - sec.stop_loss_limit))
    sec.fund += recovery
    flows[REINSURANCE_RECOVERY] += recovery


compile_kernels(globals())
