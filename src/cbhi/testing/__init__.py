"""Throw random schemes at the properties that a simulation of insurance must have.

``check_properties("my_scheme.toml")`` checks them all on a scenario of one's own; ``PROPERTIES`` holds each
for use inside a test, and ``scenarios``, ``schemes``, ``events`` and ``populations`` are Hypothesis
strategies. Needs Hypothesis: ``pip install 'cbhi[testing]'``.
"""

try:
    import hypothesis as _hypothesis
except ModuleNotFoundError as error:
    raise ImportError(
        "cbhi.testing needs Hypothesis, which is not installed; install it with: pip install 'cbhi[testing]'"
    ) from error

from cbhi.testing.core import KINDS, Kind, Outcome, Property, PropertyFailed
from cbhi.testing.examples import Case
from cbhi.testing.reports import PROPERTIES, Report, Row, cases, check_properties, properties_of
from cbhi.testing.strategies import SCHEME_KEYS, Size, events, populations, scenarios, schemes
from cbhi.testing.surroundings import FROZEN, freeze_surroundings

__all__ = [
    "FROZEN",
    "KINDS",
    "PROPERTIES",
    "SCHEME_KEYS",
    "Case",
    "Kind",
    "Outcome",
    "Property",
    "PropertyFailed",
    "Report",
    "Row",
    "Size",
    "cases",
    "check_properties",
    "events",
    "freeze_surroundings",
    "populations",
    "properties_of",
    "scenarios",
    "schemes",
]

del _hypothesis
