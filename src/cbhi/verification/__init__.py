"""The engine in limits that theory knows, as cases that anybody can run: ``cbhi verify``."""

from cbhi.verification import (
    certainty,
    claims,
    credit,
    crowds,
    demand,
    equity,
    gates,
    providers,
    selection,
    selection_information,
    selection_normal,
    selection_uniform,
    solvency,
    targeting,
)
from cbhi.verification.bare import adults, bare_scenario
from cbhi.verification.core import Case, Row, chosen_cases, known_cases, run_cases
from cbhi.verification.mean_field import Step, mean_field_path

__all__ = [
    "Case",
    "Row",
    "Step",
    "adults",
    "bare_scenario",
    "certainty",
    "chosen_cases",
    "claims",
    "credit",
    "crowds",
    "demand",
    "equity",
    "gates",
    "known_cases",
    "mean_field_path",
    "providers",
    "run_cases",
    "selection",
    "selection_information",
    "selection_normal",
    "selection_uniform",
    "solvency",
    "targeting",
]
