"""What parameters, figures and numbers are called where a person reads of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cbhi.tables import Scale, scale_of

if TYPE_CHECKING:
    from cbhi.calibration.fit import Described
    from cbhi.scenarios import Scenario

__all__ = ["name_in_words", "significant", "target_label", "target_scale", "whose_figures"]


def name_in_words(key: str) -> str:
    """Return the last part of a key as words: ``price slope`` for ``enrolment.price_slope``."""
    return key.rsplit(".", 1)[-1].replace("_", " ")


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


def whose_figures(scenario: Scenario | None) -> str:
    """Return whose figures were fitted: the country of a scenario, else its name."""
    if scenario is None:
        return "the data"
    return scenario.country.capitalize() if scenario.country else scenario.name
