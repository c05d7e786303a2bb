"""Household-level simulator of community-based health insurance.

Names are loaded on first use, so that ``import cbhi`` is quick and the command line can answer
``--help`` without compiling or loading anything.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbhi import checks, datasets, indicators, limits
    from cbhi.calibration import Calibration, CalibrationNotConverged, Prior, SharedError, Target, fit_targets
    from cbhi.comparison import Comparison, compare
    from cbhi.family import Family, household
    from cbhi.halting import Halted, run_until
    from cbhi.populations import Population
    from cbhi.reading import load
    from cbhi.results import Results
    from cbhi.scenarios import Event, ParameterSets, Scenario, ScenarioError, scenario, scenario_names
    from cbhi.simulation import Interrupted, simulate, simulate_country
    from cbhi.simulators import Simulator
    from cbhi.solving import Solution, solve
    from cbhi.variables import VARIABLES

__version__ = "0.1.0"

_HOME = {
    "Calibration": "calibration",
    "CalibrationNotConverged": "calibration",
    "Comparison": "comparison",
    "Event": "scenarios",
    "Family": "family",
    "Halted": "halting",
    "Interrupted": "simulation",
    "ParameterSets": "scenarios",
    "Population": "populations",
    "Prior": "calibration",
    "Results": "results",
    "Scenario": "scenarios",
    "ScenarioError": "scenarios",
    "SharedError": "calibration",
    "Simulator": "simulators",
    "Solution": "solving",
    "Target": "calibration",
    "VARIABLES": "variables",
    "compare": "comparison",
    "fit_targets": "calibration",
    "household": "family",
    "load": "reading",
    "run_until": "halting",
    "scenario": "scenarios",
    "scenario_names": "scenarios",
    "simulate": "simulation",
    "simulate_country": "simulation",
    "solve": "solving",
}
_MODULES = ("checks", "datasets", "indicators", "limits")

__all__ = [
    "VARIABLES",
    "Calibration",
    "CalibrationNotConverged",
    "Comparison",
    "Event",
    "Family",
    "Halted",
    "Interrupted",
    "ParameterSets",
    "Population",
    "Prior",
    "Results",
    "Scenario",
    "ScenarioError",
    "SharedError",
    "Simulator",
    "Solution",
    "Target",
    "__version__",
    "checks",
    "compare",
    "datasets",
    "fit_targets",
    "household",
    "indicators",
    "limits",
    "load",
    "run_until",
    "scenario",
    "scenario_names",
    "simulate",
    "simulate_country",
    "solve",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        value = getattr(importlib.import_module(f"cbhi.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"cbhi.{name}")
    else:
        raise AttributeError(f"module 'cbhi' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
