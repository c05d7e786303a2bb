"""How published figures see the truth: the over-count of administrative series."""

from __future__ import annotations

import numpy as np

from cbhi.kernels.records import F8
from cbhi.packing import pack_scenario
from cbhi.scenarios import Scenario


def administrative_factor(scenario: Scenario) -> F8:
    """Return administrative over true coverage in each month, shape (months,).

    Cards sold, double counting and old population figures inflate administrative shares, the more the
    longer local leaders have reported against targets: the over-count grows with the authorities'
    capacity, as enforcement does.
    """
    rules = pack_scenario(scenario).rules
    effort = np.maximum(rules["mobilisation_effort"], rules["compulsory"]).astype(float)
    growth = rules["enforcement_growth"].astype(float)
    capacity = scenario.regimes()[0][1].mandate.initial_capacity
    ends = [month for month, _ in scenario.regimes()[1:]] + [scenario.end + 1]
    factor = np.ones(scenario.n_months)
    grown = 0.0
    for (begin, p), end in zip(scenario.regimes(), ends, strict=True):
        for t in range(begin - scenario.start, end - scenario.start):
            capacity += float(effort[t]) * float(growth[t]) / 12.0 * (1.0 - capacity)
            if p.observation.targets:
                grown = capacity
            before = p.observation.overcount_before_targets
            factor[t] = 1.0 + before + (p.observation.overcount_share - before) * grown
    return factor
