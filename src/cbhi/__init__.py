"""Household-level simulator of community-based health insurance.

Names are loaded on first use, so that ``import cbhi`` is quick and the command line can answer
``--help`` without compiling or loading anything.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cbhi import checks, datasets, indicators, limits
    from cbhi.results import Results
    from cbhi.scenarios import Event, Scenario, ScenarioError, scenario, scenario_names
    from cbhi.simulation import Interrupted, simulate
    from cbhi.variables import VARIABLES

__version__ = "0.1.0"

_HOME = {
    "Event": "scenarios",
    "Interrupted": "simulation",
    "Results": "results",
    "Scenario": "scenarios",
    "ScenarioError": "scenarios",
    "VARIABLES": "variables",
    "scenario": "scenarios",
    "scenario_names": "scenarios",
    "simulate": "simulation",
}
_MODULES = ("checks", "datasets", "indicators", "limits")

__all__ = [
    "VARIABLES",
    "Event",
    "Interrupted",
    "Results",
    "Scenario",
    "ScenarioError",
    "__version__",
    "checks",
    "datasets",
    "indicators",
    "limits",
    "scenario",
    "scenario_names",
    "simulate",
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
