"""Fraud and audit: false claims of health centres, embezzled premiums, and what audit finds of them."""

from __future__ import annotations

import math

from cbhi.kernels.codes import (
    AUDIT,
    BILLED_HEALTH_CENTRE,
    CLAIMS_APPROVED_SECTION,
    CLAIMS_REJECTED_SECTION,
    EMBEZZLEMENT,
    EMBEZZLEMENT_FOUND_RWF,
    FRAUD_FOUND_RWF,
    GAUGE_AUDIT_HOURS,
    GHOST_RWF,
    INFLATED_RWF,
)
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.provider import update_blame
from cbhi.kernels.records import F8, I8, Rule, Section


def detection(sec: Section, rule: Rule) -> float:
    """Return the probability that audit notices a fraud; 0 without audit.

    What audit misses falls exponentially with its hours per 1,000 claims, and in proportion to the
    administrative capacity of the scheme: 1 - d = exp(-k m) (1 - c a).
    """
    if rule.audit_hours <= 0.0:
        return 0.0
    missed = math.exp(-rule.audit_effect * rule.audit_hours * 1000.0)
    return 1.0 - missed * (1.0 - rule.capacity_effect * sec.capacity)


def attempted(probability: float, rule: Rule) -> float:
    """Return the part of fraud that is still tried at this probability of detection."""
    return 1.0 - rule.deterrence * probability


def note_fraud(sec: Section, share: float) -> None:
    """Add the share found false to what people hear of this month and blame the scheme for, at most 1."""
    sec.fraud_found = min(1.0, sec.fraud_found + share)


def audit(sec: Section, n_claims: int, rule: Rule, flows: I8, gauges: F8) -> None:
    """Pay for the hours of audit of ``n_claims`` claims from the section's fund, as far as money goes."""
    hours = rule.audit_hours * n_claims
    cost = min(sec.fund, to_francs(hours * rule.audit_hour_rwf))
    sec.fund -= cost
    flows[AUDIT] += cost
    gauges[GAUGE_AUDIT_HOURS] += hours


def review_claims(
    sec: Section, claims_rwf: int, n_claims: int, rule: Rule, flows: I8, tallies: I8, gauges: F8
) -> int:
    """Add the health centre's false claims to its ``claims_rwf`` true ones; return what is approved, RWF.

    The chance of being found out deters a part. Audit rejects what it finds false, and of the true claims
    that it looks at a share by mistake; how much it looks at is the probability of detection. The
    section's fund pays the audit.
    """
    probability = detection(sec, rule)
    tried = attempted(probability, rule)
    ghost = to_francs(claims_rwf * rule.ghost_share * tried)
    inflated = to_francs(claims_rwf * rule.billing_fraud_share * tried)
    found = to_francs((ghost + inflated) * probability)
    mistaken = to_francs(claims_rwf * rule.honest_rejection * probability)
    approved = claims_rwf + ghost + inflated - found - mistaken
    tallies[GHOST_RWF] += ghost
    tallies[INFLATED_RWF] += inflated
    # true claims were billed at the visit
    tallies[BILLED_HEALTH_CENTRE] += ghost + inflated
    tallies[FRAUD_FOUND_RWF] += found
    tallies[CLAIMS_REJECTED_SECTION] += found + mistaken
    tallies[CLAIMS_APPROVED_SECTION] += approved
    if rule.audit_hours > 0.0:
        audit(sec, n_claims, rule, flows, gauges)
    share = min(1.0, found / max(1, claims_rwf))
    note_fraud(sec, share * (1.0 - rule.blame_provider_share))
    update_blame(sec, share * rule.blame_provider_share)
    return approved


def embezzle(sec: Section, income_rwf: int, rule: Rule, flows: I8, tallies: I8) -> int:
    """Take the embezzled share out of the fund's premium income; return what is lost, RWF.

    What audit finds is given back at once (rounded down) and becomes known.
    """
    probability = detection(sec, rule)
    taken = min(sec.fund, to_francs(income_rwf * rule.embezzled_share * attempted(probability, rule)))
    if taken <= 0:
        return 0
    found = int(taken * probability)
    lost = taken - found
    sec.fund -= lost
    flows[EMBEZZLEMENT] += lost
    tallies[EMBEZZLEMENT_FOUND_RWF] += found
    note_fraud(sec, found / max(1, income_rwf))
    return lost


compile_kernels(globals())
