"""Decisions on cover that explain themselves: what became of each, and whether its terms add up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from cbhi.kernels import codes
from cbhi.kernels.enrolment import GATE_ALONE, GATE_BOUND, NO_MEANS

__all__ = ["ENROLLED", "OUTCOMES", "UTILITY_TERMS", "errors_in_terms", "outcome_of", "wishes_of"]

UTILITY_TERMS = (
    "intercept",
    "from_gain",
    "from_income",
    "from_peers",
    "from_trust",
    "from_quality",
    "from_habit",
    "from_mobilisation",
    "taste",
)
"""The terms of the utility, in logits; their sum is ``utility``."""

OUTCOMES = {
    "joined": "bought cover, after at least a month without",
    "renewed": "bought cover that goes on where the last one ended",
    "registered": "registered by the authorities with its subsidy slot, at no cost",
    "bound by vote": "its association voted for cover for all of its families",
    "did not wish": "the taste of the year lay above the probability",
    "could not pay": "wished, and neither cash nor association nor lender would have paid",
    "loan too dear": "wished, but not at the premium and the cost of a loan together",
    "lender refused": "wished and asked for a loan, which was not granted",
    "kept waiting": "wished, and has to join an association first",
}
"""What becomes of a decision, in words."""

ENROLLED = ("joined", "renewed", "registered", "bound by vote")
"""The outcomes that begin cover."""

_RELATIVE = 1e-9


def wishes_of(terms: Mapping[str, Any]) -> bool:
    """Return whether cover was wished for, at its price alone.

    Parameters
    ----------
    terms
        Fields of ``cbhi.kernels.records.Choice``.
    """
    certain = bool(terms["unasked"]) or terms["gate"] == GATE_BOUND or bool(terms["again"])
    return certain or bool(terms["draw"] < terms["probability"])


def outcome_of(terms: Mapping[str, Any], enrolled: bool, loan_refused: bool, renews: bool) -> str:
    """Return what became of a decision, a key of ``OUTCOMES``.

    Parameters
    ----------
    terms
        Fields of ``cbhi.kernels.records.Choice``.
    enrolled
        Whether the family bought cover in this month.
    loan_refused
        Whether a lender refused it a loan in this month.
    renews
        Whether it still had cover in this month.
    """
    by_loan = terms["means"] == codes.BY_LOAN
    too_dear = by_loan and terms["draw"] >= terms["probability_with_loan"]
    # a member who decides alone may stay out of a family that enrols
    joins = enrolled and terms["means"] != NO_MEANS and not too_dear
    if not wishes_of(terms):
        return "did not wish"
    if terms["gate"] == GATE_ALONE:
        return "kept waiting"
    if joins:
        if terms["unasked"]:
            return "registered"
        if terms["gate"] == GATE_BOUND:
            return "bound by vote"
        return "renewed" if renews else "joined"
    if too_dear:
        return "loan too dear"
    return "lender refused" if by_loan or loan_refused else "could not pay"


def errors_in_terms(terms: Mapping[str, Any]) -> list[str]:
    """Return where the terms of a decision do not add up to its gain, utility, probability or wish.

    Parameters
    ----------
    terms
        A row of ``Family.choices``.
    """
    benefits = terms["honoured_share"] * (
        terms["saving_rwf"] + terms["risk_premium_rwf"] + terms["access_rwf"]
    )
    worth = terms["cover_share"] * (benefits + terms["sanction_rwf"])
    gain = worth - (terms["premium_rwf"] - terms["sponsored_rwf"]) - terms["hassle_rwf"]
    utility = sum(terms[name] for name in UTILITY_TERMS)
    claims = {
        "gain_rwf": (gain, terms["gain_rwf"], max(1.0, abs(worth))),
        "utility": (utility, terms["utility"], 1.0),
        "probability": (1.0 / (1.0 + math.exp(-terms["utility"])), terms["probability"], 1.0),
        "own_part_rwf": (terms["premium_rwf"] - terms["sponsored_rwf"], terms["own_part_rwf"], 1.0),
    }
    errors = [
        f"the terms of {name} make {expected:.6g}, and it is {found:.6g}"
        for name, (expected, found, size) in claims.items()
        if not abs(expected - found) <= _RELATIVE * max(size, abs(expected))
    ]
    if bool(terms["wishes"]) != wishes_of(terms):
        errors.append(f"draw {terms['draw']:.4f} below {terms['probability']:.4f} and a wish do not agree")
    if (terms["outcome"] == "did not wish") == bool(terms["wishes"]):
        errors.append(f"outcome '{terms['outcome']}' does not agree with the wish")
    return errors
