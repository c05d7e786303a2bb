"""Waits and refusals at health centres, against formulas and a queue that is simulated arrival by arrival.

The engine settles supply by the month. What it calls waiting is ``scale * load / (1 - load)``: the wait
before service of the M/M/1 queue with a mean service of ``scale``, at the load that people have got used
to, at most 0.95. It knows no number of clinicians: where c of them work as fast together, the wait of M/M/c
is shorter by the factor ``C(c, a) / load`` (Erlang's C), because arrivals often find somebody free. What
it turns away is what exceeds a whole month's places, whoever comes first: there is no waiting room as in
M/M/c/K, nobody is turned away while places are left, and nobody turned away comes back.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cbhi.kernels import codes
from cbhi.limits import multi_server_queue
from cbhi.scenarios import Scenario
from cbhi.simulation import simulate
from cbhi.verification.arrivals import mean_wait, turned_away
from cbhi.verification.bare import adults, bare_scenario, tally
from cbhi.verification.core import WRONG, Row, case, mean_row
from cbhi.verification.insured import SERVED, places_a_month

__all__: list[str] = []

F8 = NDArray[np.float64]


def _centres(n: int, persons: int, contacts: float, places: float, changes: dict[str, Any], end: str) -> Any:
    """Return a run's scenario and people: n health centres with contacts wanted and places a month each."""
    scenario: Scenario = bare_scenario(
        {
            "population.sections": n,
            "population.districts": n,
            "rollout.pilot_districts": 0,
            "care.need_per_person_year": 12.0 * contacts / persons / SERVED,
            "scheme.premium_rwf": dict.fromkeys(("poorest", "middle", "rich"), 0),
            **places_a_month(n * persons, places / persons),
            **changes,
        },
        end=end,
    )
    section = np.repeat(np.arange(1, n + 1), persons)
    return scenario, adults(np.ones(section.size), section=section, taste=np.full(section.size, -1_000.0))


def _engine_wait(load: float, scale_hours: float, workers: int) -> F8:
    """Return the waiting that people have got used to, hours, by health centre: mean over years."""
    n, persons, contacts = 16, 40, 600.0
    memory, settled = 0.05, 240
    scenario, people = _centres(
        n,
        persons,
        contacts,
        contacts / load,
        {"provider.wait_scale_hours": scale_hours, "provider.load_memory": memory},
        end="2043-12",
    )
    run = simulate(scenario, population=people, seed=13, survey=0, workers=workers)
    wait = run.arrays.gauges[0, settled:, :, codes.GAUGE_WAIT] / persons
    return np.asarray(wait.mean(axis=0))


def _fluid_wait(load: float, scale_hours: float) -> float:
    """Return the engine's mean wait: M/M/1 at the load of a month, which Poisson demand moves.

    The load is an average that forgets 5 % a month: its variance is ``load^2 / demand * m / (2 - m)``. Half
    of that times the second derivative of ``load / (1 - load)``, ``2 / (1 - load)^3``, comes on top.
    """
    contacts, memory = 600.0, 0.05
    spread = load * load / contacts * memory / (2.0 - memory)
    return scale_hours * (load / (1.0 - load) + spread / (1.0 - load) ** 3)


@case("waits", "V13")
def waits_at_a_health_centre(workers: int) -> Iterator[Row]:
    """Waiting at loads of .5 and .8: the engine against the M/M/1 queue and an event-by-event queue.

    The event-by-event queue is a simulation of its own, patient by patient, that shares nothing with the
    engine; its standard error is in the row's. Both describe one clinician. The engine knows no number of
    clinicians: at the health centre of the design (three clinicians, 4 patients an hour each, 10 arrivals an
    hour) its wait is 19 % longer than that of M/M/3.
    """
    service_rate = 4.0
    scale = 1.0 / service_rate
    for load in (0.5, 0.8):
        textbook = multi_server_queue(load * service_rate, service_rate, 1).mean_wait
        engine = _engine_wait(load, scale, workers)
        seen, seen_error = mean_wait(load * service_rate, service_rate, 1)
        noise = _fluid_wait(load, scale) - textbook
        name = f"mean wait at load {load:g}"
        yield mean_row(
            f"{name}, with the noise of monthly demand",
            textbook + noise,
            engine,
            unit="hours",
            source="cbhi.limits.multi_server_queue",
        )
        error = float(engine.std(ddof=1)) / math.sqrt(engine.size)
        yield Row(
            name=f"{name}, engine against an event-by-event queue",
            limit="",
            closed_form=seen,
            simulated=float(engine.mean()),
            standard_error=math.hypot(error, seen_error),
            # what the noise of monthly demand adds, a thousandth at most
            resolution=noise,
            unit="hours",
            source="cbhi.verification.arrivals.mean_wait",
        )


def _excess(mean: float, places: int) -> float:
    """Return the expected Poisson count beyond a number of places, ``E (N - c)+``."""
    from scipy.stats import poisson

    return float(mean * poisson.sf(places - 1, mean) - places * poisson.sf(places, mean))


@case("refusals", "V13")
def contacts_without_a_place(workers: int) -> Iterator[Row]:
    """Contacts beyond the places of a month: against the Poisson excess, and an event-by-event count.

    The count is a simulated number too, of patients who come one by one and find the places gone or not; its
    standard error is in the row's.
    """
    n, persons = 200, 4
    for contacts, places in ((20.0, 20.0), (20.0, 24.5), (35.0, 30.0)):
        scenario, people = _centres(n, persons, contacts, places, {"switches.rationing": True}, end="2015-12")
        run = simulate(scenario, population=people, seed=31, survey=0, workers=workers)
        away = tally(run, codes.FORGONE_CAPACITY)[0]
        # a fraction of a place is carried over: months with one more place and one fewer take turns
        each = (math.floor(places), math.floor(places + 0.5))

        def excess(mean: float, each: tuple[int, int] = each) -> float:
            return sum(_excess(mean, places) for places in each) / 2.0

        name = f"turned away a month, {contacts:g} contacts for {places:g} places"
        # months are independent but for that carry
        yield mean_row(
            name,
            excess(contacts),
            away.mean(axis=1),
            wrong=(excess(contacts * (1.0 + WRONG)), excess(contacts * (1.0 - WRONG))),
            wrong_by="contacts wanted",
            unit="contacts",
            source="Poisson excess over a month's places",
        )
        by_month = np.resize(np.array(each, dtype=np.float64), 20_000)
        seen = turned_away(contacts, by_month, seed=31)
        errors = [float(one.std(ddof=1)) / math.sqrt(one.size) for one in (seen, away.mean(axis=1))]
        yield Row(
            name=f"{name}, against an event-by-event count",
            limit="",
            closed_form=float(seen.mean()),
            simulated=float(away.mean()),
            standard_error=math.hypot(*errors),
            wrong=(excess(contacts * (1.0 + WRONG)), excess(contacts * (1.0 - WRONG))),
            wrong_by="contacts wanted",
            unit="contacts",
            source="cbhi.verification.arrivals.turned_away",
        )
