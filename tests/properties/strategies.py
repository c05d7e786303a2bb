"""How the tests search: with the public strategies, and how long."""

from __future__ import annotations

import os

from hypothesis import settings
from hypothesis import strategies as st

from cbhi import Scenario, testing

# the same examples in every run, so that a failure on one machine is a failure on all; for a long search
# run the tests with CBHI_TEST_PROFILE=thorough
settings.register_profile("quick", max_examples=25, deadline=None, derandomize=True, database=None)
settings.register_profile("thorough", max_examples=2000, deadline=None, database=None)
quick = settings.get_profile(os.environ.get("CBHI_TEST_PROFILE", "quick"))


def scenarios() -> st.SearchStrategy[Scenario]:
    """Draw scenarios with many changed keys; a failure shrinks to few of them."""
    return testing.scenarios("large")
