"""A calibration that takes milliseconds a simulation: few households over two years."""

from __future__ import annotations

from typing import Any

from cbhi.calibration import Calibration, Prior, Target
from cbhi.scenarios import Scenario, scenario

ABOUT: dict[str, Any] = {"source": "a test", "confidence": "assumption"}


def small_scenario() -> Scenario:
    """Two and a half years of Rwanda's pilot."""
    return scenario("rwanda-rules").replace({"switches.rollout": False}, end="2001-12", name="small")


def small_calibration(**changes: Any) -> Calibration:
    """Two parameters explored, one carried, three targets, 60 households."""
    given: dict[str, Any] = dict(
        scenario=small_scenario(),
        priors=[
            Prior.normal("enrolment.intercept", -1.0, 1.0, **ABOUT),
            Prior.normal("care.seek_intercept", 0.0, 0.7, **ABOUT),
        ],
        targets=[
            Target("members", "coverage_end_share", "2001", 0.2, 0.05, kind="coverage", source="made up"),
            Target("visits 2000", "visits_per_person_year", "2000", 0.4, 0.05, kind="visits"),
            Target("visits 2001", "visits_per_person_year", "2001", 0.4, 0.05, kind="visits"),
        ],
        carried=[Prior.normal("care.seek_price", 2.0, 0.6, low=0.2, high=6.0, **ABOUT)],
        households=60,
        replicates=2,
        seed=3,
    )
    return Calibration(**{**given, **changes})
