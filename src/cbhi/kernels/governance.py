"""Trust in the scheme, capacities of authorities and schemes, and what donors pay for them."""

from __future__ import annotations

from cbhi.kernels.codes import ASSISTANCE, BUDGET_SUPPORT
from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.money import to_francs
from cbhi.kernels.records import I8, Rule, Section

# claims overdue by less than this count as paid promptly
PROMPT_MONTHS = 1.0


def update_trust(sec: Section, refused_share: float, rule: Rule) -> None:
    """Move a section's trust by one month; it stays between 0 and 1.

    Meetings and prompt payment of claims raise it towards 1; it drifts towards the quality of care that
    members meet; arrears, refusals, compulsion and fraud that came to light lower it in proportion. What was
    found is used up here; the part that people lay at the provider's door is not among it.
    """
    fraud = sec.fraud_found
    sec.fraud_found = 0.0
    if rule.trust_fixed != 0:
        return
    trust = sec.trust
    arrears = min(12.0, sec.arrears)
    prompt = 1.0 if arrears < PROMPT_MONTHS else 0.0
    sanctioned = rule.compulsory != 0 and (rule.gate_probability > 0.0 or rule.enforcement_max > 0.0)
    pushed = sec.enforcement if sanctioned else 0.0
    change = (
        rule.trust_meetings * (1.0 - trust)
        + rule.trust_prompt * prompt * (1.0 - trust)
        + rule.trust_quality * (sec.quality - trust)
        - rule.trust_arrears * (arrears / 3.0 + refused_share) * trust
        - rule.trust_coercion * pushed * trust
        - rule.trust_fraud * fraud * trust
    )
    sec.trust = min(1.0, max(0.0, trust + change))


def update_enforcement(sec: Section, rule: Rule) -> None:
    """Let the capacity to follow up households grow while targets or the law ask for it."""
    effort = max(rule.mobilisation_effort, 1.0 if rule.compulsory != 0 else 0.0)
    capacity = sec.enforcement
    sec.enforcement = capacity + effort * rule.enforcement_growth / 12.0 * (1.0 - capacity)


def update_capacity(sec: Section, rule: Rule) -> None:
    """Move a scheme's administrative capacity by one month: assistance builds it, without care it decays."""
    capacity = sec.capacity
    change = rule.assistance_gain * (1.0 - capacity) - rule.capacity_decay * capacity
    sec.capacity = min(1.0, max(0.0, capacity + change))


def pay_donors(persons: int, rule: Rule, flows: I8) -> None:
    """Book donors' budget support to government and technical assistance to schemes for a month."""
    flows[BUDGET_SUPPORT] += to_francs(persons * rule.donor_budget_rwf)
    flows[ASSISTANCE] += to_francs(persons * rule.assistance_rwf)


compile_kernels(globals())
