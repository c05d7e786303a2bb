"""What replicates wrote goes into one place, whoever is done first; districts may be added up on the way."""

from __future__ import annotations

import functools
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cbhi import Results, Scenario, memory, simulate
from cbhi import scenario as shipped
from cbhi.memory import Pile
from cbhi.published import explain_size
from cbhi.replicates import make_output
from cbhi.simulation import Interrupted, simulate_country
from cbhi.strata import stratified_names
from cbhi.variables import VARIABLES, YEARLY_ONLY

SIZE: dict[str, Any] = {"households": 1_500, "seed": 3}


@functools.cache
def scenario() -> Scenario:
    return shipped("rwanda").at_point().replace({}, end="2005-06")


@functools.cache
def whole() -> Results:
    return simulate_country(scenario(), replicates=2, **SIZE)


@functools.cache
def by_district() -> Results:
    return simulate(scenario(), replicates=2, survey=0, **SIZE)


def written(number: int) -> tuple[Any, Any]:
    output = make_output(5, 3, 2)
    rng = np.random.default_rng(number)
    for part in (output.flows, output.stocks, output.tallies, output.strata):
        part[...] = rng.integers(0, 1_000, part.shape)
    output.gauges[...] = rng.random(output.gauges.shape)
    return output, rng.integers(0, 9, (3, 2))


class TestPile:
    @pytest.mark.parametrize("order", list(itertools.permutations([4, 7, 9])))
    def test_in_order_of_numbers_whoever_comes_first(self, order: tuple[int, ...]) -> None:
        pile = Pile([4, 7, 9])
        for number in order:
            pile.put(number, written(number))
        numbers, arrays = pile.everything()
        assert numbers == [4, 7, 9]
        for place, number in enumerate(numbers):
            output, people = written(number)
            for name, part in {**output._asdict(), "opening_people": people}.items():
                np.testing.assert_array_equal(arrays[name][place], part)
                np.testing.assert_array_equal(pile.one(number)[name], part[None])

    def test_what_has_not_come_is_not_there(self) -> None:
        pile = Pile([4, 7, 9])
        assert pile.everything() == ([], {})
        for number in (9, 4):
            pile.put(number, written(number))
        numbers, arrays = pile.everything()
        assert numbers == [4, 9]
        np.testing.assert_array_equal(arrays["tallies"][1], written(9)[0].tallies)
        assert arrays["tallies"].shape[0] == 2

    def test_it_copies(self) -> None:
        pile, (output, people) = Pile([0]), written(1)
        pile.put(0, (output, people))
        output.flows[...] = -1
        people[...] = -1
        np.testing.assert_array_equal(pile.one(0)["flows"][0], written(1)[0].flows)
        np.testing.assert_array_equal(pile.one(0)["opening_people"][0], written(1)[1])

    def test_what_does_not_fit_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> None:
            raise MemoryError("Unable to allocate")

        came = written(1)
        monkeypatch.setattr(memory.np, "empty", refuse)
        with pytest.raises(MemoryError, match=r"results of 3 replicates take .* GB.*simulate_country"):
            Pile([1, 2, 3]).put(1, came)

    def test_districts_are_added_up(self) -> None:
        pile = Pile([2], by_district=False)
        pile.put(2, written(2))
        output, people = written(2)
        found = pile.one(2)
        np.testing.assert_array_equal(found["flows"][0, :, 0], output.flows.sum(axis=1))
        np.testing.assert_array_equal(found["opening_people"][0, 0], people.sum(axis=0))
        np.testing.assert_array_equal(found["strata"][0], output.strata)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_stopped_gives_back_what_is_finished(workers: int) -> None:
    every = simulate(scenario(), replicates=4, survey=0, **SIZE)

    def stop(done: int, total: int) -> None:
        if done >= 2.5 * scenario().n_months:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted) as caught:
        simulate(scenario(), replicates=4, survey=0, workers=workers, progress=stop, **SIZE)
    rest = caught.value.results
    assert rest is not None
    assert 0 < rest.n_replicates < 4
    for place, number in enumerate(rest.arrays.replicates):
        np.testing.assert_array_equal(rest.arrays.flows[place], every.arrays.flows[number])
    assert simulate(scenario(), replicates=4, survey=0, finished=rest, **SIZE) == every


def test_parts_are_joined_in_order_of_numbers() -> None:
    later = simulate(scenario(), replicates=1, first_replicate=1, survey=0, **SIZE)
    first = simulate(scenario(), replicates=1, survey=0, **SIZE)
    assert later + first == first + later == by_district()


class TestWholeCountry:
    @pytest.mark.parametrize("every", ["year", "month"])
    def test_variables_are_those_of_a_run_by_district(self, every: Any) -> None:
        for name in VARIABLES:
            if every == "month" and name in YEARLY_ONLY:
                continue
            np.testing.assert_allclose(
                whole().values(name, every=every), by_district().values(name, every=every), rtol=1e-12,
                err_msg=name,
            )  # fmt: skip

    def test_strata_are_those_of_a_run_by_district(self) -> None:
        for name in stratified_names("quintile"):
            np.testing.assert_array_equal(
                whole().values(name, by="quintile"), by_district().values(name, by="quintile")
            )

    def test_it_holds_one_district(self) -> None:
        districts = by_district().arrays.districts.size
        assert districts > 3
        assert by_district().arrays.tallies.nbytes == districts * whole().arrays.tallies.nbytes

    def test_what_needs_districts_is_refused(self, tmp_path: Path) -> None:
        run = whole()
        for ask in (
            lambda: run.values("coverage_share", by="district"),
            lambda: run.groups("district"),
            lambda: run.to_frame(by="district"),
            run.indicators,
            run.indicators_summary,
            lambda: run.save(tmp_path / "folder"),
        ):
            with pytest.raises(ValueError, match="districts were added up"):
                ask()
        assert not list(tmp_path.glob("folder/*"))

    def test_few_sections_are_told_without_their_districts(self) -> None:
        assert "(6, in 6 districts)" in explain_size(by_district())[0]
        assert "(6):" in explain_size(whole())[0]

    def test_neither_finishes_the_other(self) -> None:
        with pytest.raises(ValueError, match="another run: districts added up, not 6 kept apart"):
            simulate(scenario(), replicates=3, survey=0, finished=whole(), **SIZE)

    def test_it_is_not_joined_with_a_run_by_district(self) -> None:
        more = simulate(scenario(), replicates=1, first_replicate=2, survey=0, **SIZE)
        with pytest.raises(ValueError, match="joined"):
            whole() + more
