"""Scenarios: what a run is told, read from files, changed, compared, described and checked.

``core`` holds the scenario itself; ``files``, ``toml_text`` and ``changes`` read it with every mistake at its
line; ``parameter_sets`` holds the sets of values that it may carry; ``diff``, ``notes``, ``descriptions``,
``templates`` and ``schema`` say things about it.
"""

from cbhi.scenarios.core import (
    Event,
    Scenario,
    ScenarioError,
    base_of,
    scenario,
    scenario_names,
    scenarios_dir,
)
from cbhi.scenarios.parameter_sets import ParameterSets

__all__ = [
    "Event",
    "ParameterSets",
    "Scenario",
    "ScenarioError",
    "base_of",
    "scenario",
    "scenario_names",
    "scenarios_dir",
]
