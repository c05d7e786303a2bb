"""A replicate on several threads: where it is cut, and that nobody can tell from its results."""

from __future__ import annotations

import functools
import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quick

sys.path.append(str(Path(__file__).parents[1] / "properties"))
from eventful_cases import PARTNERS, eventful

from cbhi import Scenario, replicates, simulate, simulation
from cbhi import scenario as rwanda
from cbhi.kernels import codes
from cbhi.kernels.records import Output
from cbhi.layouts import Layout, lay_out
from cbhi.replicates import begin_replicate, cut_districts, run_between, written_by

SEED, REPLICATE = 5, 1
WATCHED_SHARE = 0.3


def layout_of(districts: list[int], households: list[int]) -> Layout:
    """A layout with these sections, of which only districts and households count here."""
    base = lay_out(scenario(1), 40)
    return base._replace(
        district=np.array(districts, dtype=np.int64), households=np.array(households, dtype=np.int64)
    )


@functools.cache
def scenario(districts: int) -> Scenario:
    """Every partner at work over some districts, with a national pool."""
    return eventful("threads").replace(
        {**PARTNERS, "population.districts": districts, "rollout.pilot_districts": 1,
         "fund.national_share": 0.3},
        start="2005-07", end="2006-12",
    )  # fmt: skip


def run(districts: int, threads: int, households: int = 1_500) -> tuple[Output, np.ndarray]:
    """What a replicate wrote, and the people of its start; two stops on the way."""
    of = scenario(districts)
    engine = begin_replicate(of, lay_out(of, households), SEED, REPLICATE, WATCHED_SHARE, threads=threads)
    stretches = len(engine.stretches)
    assert stretches == (0 if threads == 1 else min(threads, districts))
    for begin, end in ((0, 7), (7, 8), (8, of.n_months)):
        run_between(engine, begin, end)
    return written_by(engine)


class TestCut:
    @given(st.lists(st.lists(st.integers(1, 900), min_size=1, max_size=6), min_size=1, max_size=9),
           st.integers(1, 12))  # fmt: skip
    @quick
    def test_every_section_once_and_no_district_in_two(self, country: list[list[int]], threads: int) -> None:
        districts = [d for d, sections in enumerate(country) for _ in sections]
        ranges = cut_districts(layout_of(districts, [n for sections in country for n in sections]), threads)
        assert [s for first, end in ranges for s in range(first, end)] == list(range(len(districts)))
        assert 1 <= len(ranges) <= threads
        for (_, end), (first, _) in itertools.pairwise(ranges):
            assert end == first
            assert districts[end - 1] != districts[first]

    def test_by_households_not_by_sections(self) -> None:
        # half of the households live in the last district
        assert cut_districts(layout_of([0, 0, 1, 1, 2], [10, 10, 10, 10, 40]), 2) == [(0, 4), (4, 5)]

    def test_one_district_is_one_range(self) -> None:
        assert cut_districts(layout_of([0, 0, 0], [5, 5, 5]), 3) == [(0, 3)]


class TestThreads:
    @pytest.mark.parametrize(("districts", "threads"), [(3, 2), (5, 2), (5, 3), (1, 3)])
    def test_the_same_integers(self, districts: int, threads: int) -> None:
        (alone, people), (together, also) = run(districts, 1), run(districts, threads)
        np.testing.assert_array_equal(people, also)
        for name in Output._fields:
            np.testing.assert_array_equal(
                np.asarray(getattr(together, name)), np.asarray(getattr(alone, name)), err_msg=name
            )
        # what the stretches keep apart until the end of a month or of the run was at work
        assert alone.stocks[:, 0, codes.NATIONAL_POOL].max() > 0
        assert alone.strata.sum() > 0
        told = alone.interviews["month"] > 0
        assert told.sum() > 20
        months = alone.interviews["month"][told]
        assert (np.diff(months) >= 0).all()
        assert np.unique(months).size > 3

    def test_workers_without_a_replicate_share_the_districts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        of, cuts = scenario(5), []

        def watched_cut(layout: Layout, threads: int) -> list[tuple[int, int]]:
            cuts.append(threads)
            return cut_districts(layout, threads)

        monkeypatch.setattr(replicates, "cut_districts", watched_cut)
        alone = simulate(of, households=1_500, seed=SEED, replicates=2, survey=200)
        # so small a run is not worth the threads
        spread = simulate(of, households=1_500, seed=SEED, replicates=2, survey=200, workers=6)
        assert cuts == []
        monkeypatch.setattr(simulation, "HOUSEHOLDS_PER_THREAD", 100)
        together = simulate(of, households=1_500, seed=SEED, replicates=2, survey=200, workers=6)
        assert cuts == [3, 3]
        for name, values in alone.arrays._asdict().items():
            np.testing.assert_array_equal(getattr(spread.arrays, name), values, err_msg=name)
            np.testing.assert_array_equal(getattr(together.arrays, name), values, err_msg=name)
        assert alone.survey_frame().equals(together.survey_frame())


class TestRoom:
    @pytest.mark.parametrize(
        ("changes", "used_at_least"),
        [
            ({}, 0.8),
            ({"population.household_size": 5.0, "demography.deaths": 0.0}, 0.8),
            ({"demography.marriages": 2.0}, 0.5),
            ({"demography.marriages": 4.0, "population.household_size": 8.0}, 0.25),
            ({"population.household_size": 2.0, "demography.deaths": 0.0}, 0.6),
        ],
    )
    def test_all_who_marry_find_room(self, changes: dict[str, float], used_at_least: float) -> None:
        of = rwanda("rwanda").replace(changes)
        layout = lay_out(of, 2_000)
        engine = begin_replicate(of, layout, SEED, REPLICATE)
        run_between(engine, 0, of.n_months)
        assert engine.output.tallies[..., codes.MARRIAGES_WITHOUT_ROOM].sum() == 0
        used = (engine.state.sections["end"] - engine.state.sections["first"]).sum()
        assert used_at_least < used / layout.limit.sum() < 1.0

    def test_parameter_sets_much_alike_have_the_same_rooms(self) -> None:
        limits = [
            lay_out(rwanda("rwanda").replace(changes), 2_000).limit.tolist()
            for changes in ({}, {"population.household_size": 4.2}, {"demography.marriages": 0.45})
        ]
        assert limits[0] == limits[1] == limits[2]
