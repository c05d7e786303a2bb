"""Scenarios in which no household feels the others: what must be still for runs on equal draws to compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cbhi.scenarios import Event, Scenario
from cbhi.scenarios.changes import known_parameters
from cbhi.simulation import load_scenario

__all__ = ["FROZEN", "freeze_surroundings", "scale_values"]

FROZEN: dict[str, tuple[Any, str]] = {
    "switches.peers": (False, "neighbours' membership counts"),
    "switches.groups": (False, "associations vote, save and answer together"),
    "switches.trust": (False, "trust follows what the scheme meets"),
    "switches.quality": (False, "quality follows the money of the health centre"),
    "switches.rationing": (False, "places are shared"),
    "switches.queues": (False, "waiting follows everybody's demand"),
    "switches.arrears_feedback": (False, "shelves and refusals follow the fund"),
    "switches.pooling": (False, "pools are shared"),
    "switches.fraud": (False, "cards are lent where there are members, and found by audit of all claims"),
    "demography.marriages": (0.0, "who marries whom depends on who there is"),
    "subsidy.offered": (False, "slots go to the lowest ranks, as far as the budget goes"),
    "subsidy.poorest_share": (0.0, "categories are ranks"),
    "subsidy.rich_share": (0.0, "categories are ranks"),
    "loans.offered": (False, "credit is shared"),
    "fund.deficit_rule": ("carry", "a fund in arrears ends everybody's benefits"),
    "scheme.premium_rule": ("set", "a section's premium follows its claims"),
    "scheme.portability_share": (0.0, "visitors take places"),
    "scheme.enrolment_unit": ("household", "an association decides for all"),
    "provider.induced_share": (0.0, "bills follow the provider's revenue"),
    "provider.tariff_discount_share": (0.0, "the tariff follows the number of members"),
    "provider.hire_share": (0.0, "staff follows revenue"),
    "provider.posting_response": (0.0, "staff follows demand"),
    "provider.post_hazard": (0.0, "health posts open where care is overloaded"),
}
"""Keys that are set so that no household feels the others, their values, and what would make it feel them."""
# a unit in which each decides for itself may stay
_UNITS_APART = ("household", "person")
SLOTS_AND_CREDIT = ("subsidy.offered", "loans.offered")


def freeze_surroundings(
    scenario: Scenario | str | Path, *, keep: tuple[str, ...] = (), **more: Any
) -> Scenario:
    """Return a scenario in which no household feels what the others do.

    Peers, associations, trust, quality, queues, places, pools, budgets, slots, credit, marriages and premiums
    that follow claims are off or fixed, for the whole run; see ``FROZEN`` for each and why. Prices, waiting,
    mandate, shocks, illness, births and deaths stay as they are.

    Parameters
    ----------
    scenario
        A scenario, or the name or file of one.
    keep
        Keys of ``FROZEN`` to leave as they are, such as ``("subsidy.offered",)``.
    **more
        Further values, with ``__`` for the point in a key: ``care__copayment_rwf=0``.

    Returns
    -------
    Scenario
        A copy; events that would change one of these keys are dropped.

    Raises
    ------
    ValueError
        For a key to keep that is none of ``FROZEN``, and for wrong values.
    """
    chosen = load_scenario(scenario).at_point()
    unknown = [key for key in keep if key not in FROZEN]
    if unknown:
        raise ValueError(f"'{unknown[0]}' is not among the keys that are frozen: {', '.join(FROZEN)}")
    changes = {key: value for key, (value, _) in FROZEN.items() if key not in keep}
    units = {p.scheme.enrolment_unit for _, p in chosen.regimes()}
    if len(units) == 1 and units <= set(_UNITS_APART):
        changes["scheme.enrolment_unit"] = next(iter(units))
    changes |= {key.replace("__", "."): value for key, value in more.items()}
    return chosen.replace(changes, name=f"{chosen.name}, surroundings frozen")


def scale_values(scenario: Scenario, change: Callable[[str, Any], Any]) -> Scenario:
    """Return a scenario in which values are mapped, those of the start and those of events alike.

    Parameters
    ----------
    scenario
        What to change.
    change
        Takes a full key and its value, gives the new value; called for every parameter, also those that the
        scenario leaves at their defaults.

    Returns
    -------
    Scenario
        A copy with the same dates.
    """
    values = dict(scenario.values)
    for key, info in known_parameters().items():
        value = values.get(key, info.default)
        if (changed := change(key, value)) != value:
            values[key] = changed
    events = tuple(
        Event(event.month, {key: change(key, value) for key, value in event.changes.items()}, event.why)
        for event in scenario.events
    )
    return Scenario(scenario.name, scenario.start, scenario.end, values, events, dict(scenario.sources))
