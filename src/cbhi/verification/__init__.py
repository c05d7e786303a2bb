"""The engine in limits that theory knows, as cases that anybody can run: ``cbhi verify``."""

from cbhi.verification import selection
from cbhi.verification.bare import adults, bare_scenario
from cbhi.verification.core import Case, Row, check_names, known_cases, run_cases

__all__ = ["Case", "Row", "adults", "bare_scenario", "check_names", "known_cases", "run_cases", "selection"]
