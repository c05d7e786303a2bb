"""What parameters, figures and numbers are called where a person reads of them."""

from __future__ import annotations

import contextlib
import math
from typing import TYPE_CHECKING

from cbhi.tables import Scale, scale_of

if TYPE_CHECKING:
    from cbhi.calibration.fit import Described, Fit

__all__ = [
    "name_in_sentence",
    "name_in_words",
    "significant",
    "target_label",
    "target_scale",
    "whose_figures",
]

_IN_SENTENCES = {
    "enrolment.intercept": "the level of enrolment",
    "enrolment.price_slope": "the weight of price",
    "enrolment.income_gradient": "the income gradient of enrolment",
    "enrolment.peer_weight": "the weight of neighbours",
    "enrolment.inertia": "the weight of past cover",
    "enrolment.attention_per_month": "how soon households act on a wish to enrol",
    "enrolment.attention_before_share": "attention before the membership year",
    "enrolment.trust_weight": "the weight of trust",
    "mandate.mobilisation_weight": "the force of mobilisation",
    "mandate.capacity_growth_per_year": "the growth of local capacity",
    "income.premium_saving_share": "saving for the premium",
    "care.seek_intercept": "the level of care seeking",
    "care.seek_price": "the response of care to its price",
    "care.seek_quality": "the response of care to its quality",
    "care.cost_outpatient_rwf": "the cost of a contact",
    "care.admission_if_severe": "admissions of severe cases",
    "fund.administration_share": "the cost of administration",
    "observation.overcount_share": "the over-count of members",
    "rollout.lateness": "how late schemes opened",
}
"""Parameters whose key says little to a reader who does not know the model."""


def name_in_words(key: str) -> str:
    """Return the last part of a key as words: ``price slope`` for ``enrolment.price_slope``."""
    return key.rsplit(".", 1)[-1].replace("_", " ")


def name_in_sentence(key: str) -> str:
    """Return what a parameter is called in a sentence: a phrase, or the words of its key."""
    return _IN_SENTENCES.get(key) or name_in_words(key)


def significant(value: float, digits: int = 3) -> str:
    """Return a number with so many significant figures, never as a power of ten."""
    if not math.isfinite(value):
        return "-" if math.isnan(value) else ("inf" if value > 0.0 else "-inf")
    if value == 0.0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    return f"{round(value, places) + 0.0:,.{max(0, places)}f}"


def target_label(target: Described) -> str:
    """Return what a target is called in a table: the words for its published variable, else its name."""
    from cbhi.published import READINGS

    reading = READINGS.get(target.name.split(":")[0])
    return reading.label if reading is not None else target.name


def target_scale(target: Described) -> Scale:
    """Return how figures of a target are written; the same in every year, so that years can be compared."""
    if target.unit == "RWF":
        return Scale(1e-9, "bn RWF", 2)
    if target.unit in ("share", "visits per person per year"):
        return Scale(100.0, "%", 1) if target.unit == "share" else Scale(1.0, "", 2)
    return scale_of(target.unit, abs(target.value))


def whose_figures(fit: Fit) -> str:
    """Return whose figures were fitted: a country, where all are of its data, else what the fit is called."""
    from cbhi.datasets import fit_rows

    country = fit.scenario.country if fit.scenario is not None else ""
    if country:
        with contextlib.suppress(ValueError):  # no data of that country
            if {target.name for target in fit.targets} <= set(fit_rows(country)["key"]):
                return country.capitalize()
    return str(fit.settings.get("calibration", "")) or "the data"
