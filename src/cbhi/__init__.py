"""Household-level simulator of community-based health insurance.

Names are loaded on first use, so that ``import cbhi`` is quick and the command line can answer
``--help`` without compiling or loading anything.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbhi import checks, datasets, indicators, limits
    from cbhi.comparison import Comparison, compare
    from cbhi.family import Family, household
    from cbhi.halting import Halted, run_until
    from cbhi.populations import Population
    from cbhi.reading import load
    from cbhi.results import Results
    from cbhi.scenarios import Event, ParameterSets, Scenario, ScenarioError, scenario, scenario_names
    from cbhi.simulation import Interrupted, simulate
    from cbhi.simulators import Simulator
    from cbhi.solving import Solution, solve
    from cbhi.variables import VARIABLES

__version__ = "0.1.0"

_HOME = {
    "Comparison": "comparison",
    "Event": "scenarios",
    "Family": "family",
    "Halted": "halting",
    "Interrupted": "simulation",
    "ParameterSets": "scenarios",
    "Population": "populations",
    "Results": "results",
    "Scenario": "scenarios",
    "ScenarioError": "scenarios",
    "Simulator": "simulators",
    "Solution": "solving",
    "VARIABLES": "variables",
    "compare": "comparison",
    "household": "family",
    "load": "reading",
    "run_until": "halting",
    "scenario": "scenarios",
    "scenario_names": "scenarios",
    "simulate": "simulation",
    "solve": "solving",
}
_MODULES = ("checks", "datasets", "indicators", "limits")

__all__ = [
    "VARIABLES",
    "Comparison",
    "Event",
    "Family",
    "Halted",
    "Interrupted",
    "ParameterSets",
    "Population",
    "Results",
    "Scenario",
    "ScenarioError",
    "Simulator",
    "Solution",
    "__version__",
    "checks",
    "compare",
    "datasets",
    "household",
    "indicators",
    "limits",
    "load",
    "run_until",
    "scenario",
    "scenario_names",
    "simulate",
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
