"""Trust in the scheme, and the authorities' capacity to mobilise and enforce."""

from __future__ import annotations

from cbhi.kernels.compiling import compile_kernels
from cbhi.kernels.records import Rule, Section

# claims overdue by less than this count as paid promptly
PROMPT_MONTHS = 1.0


def update_trust(sec: Section, refused_share: float, rule: Rule) -> None:
    """Move a section's trust by one month; it stays between 0 and 1.

    Meetings and prompt payment of claims raise it towards 1; it drifts towards the quality of care that
    members meet; arrears, refusals and compulsion lower it in proportion.
    """
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
    )
    sec.trust = min(1.0, max(0.0, trust + change))


def update_enforcement(sec: Section, rule: Rule) -> None:
    """Let the capacity to follow up households grow while targets or the law ask for it."""
    effort = max(rule.mobilisation_effort, 1.0 if rule.compulsory != 0 else 0.0)
    capacity = sec.enforcement
    sec.enforcement = capacity + effort * rule.enforcement_growth / 12.0 * (1.0 - capacity)


compile_kernels(globals())
