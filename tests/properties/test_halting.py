"""A halted run goes on as if it had never stopped; a file that is not whole, or not ours, is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eventful_cases import cases

import cbhi
from cbhi import Halted, Population, run_until, simulate
from cbhi.halting import _checksum
from cbhi.months import format_month

PEOPLE = Population(
    {"household": [3, 1, 7], "taste": [1.0, -1.0, 0.5], "section": [2, 2, 5]},
    {"household": [1, 1, 3, 7], "section": [2, 2, 2, 5], "age_years": [30, 4, 70, 19]},
    {"size": [0.5, 1.5], "probability": [0.5, 0.5]},
)


def halted(month: str = "2006-01", **more: Any) -> Halted:
    scenario, _ = cases()["household"]
    return run_until(scenario, month, **({"households": 60, "seed": 4, "survey": 60} | more))


class TestGoingOn:
    @pytest.mark.parametrize("case", list(cases()))
    @pytest.mark.parametrize("months", [0, 7, 12])
    def test_saved_loaded_and_finished_is_the_whole_run(self, case: str, months: int, tmp_path: Path) -> None:
        scenario, households = cases()[case]
        whole = simulate(scenario, households=households, seed=6, survey=households)
        month = format_month(scenario.start + months)
        first = run_until(scenario, month, households=households, seed=6, survey=households)
        again = Halted.load(first.save(tmp_path / "halted.npz"))
        assert again.month == month
        assert again.months_done == months
        assert again.finish() == whole

    def test_it_can_be_finished_twice_and_taken_further(self) -> None:
        one = halted("2005-07")
        whole = one.finish()
        further = one.run_until("2006-11")
        assert one.month == "2005-07"
        assert further.month == "2006-11"
        assert one.finish() == further.finish() == whole
        assert further.run_until("2007-07").finish() == whole

    def test_it_is_the_replicate_that_simulate_runs(self) -> None:
        scenario, _ = cases()["household"]
        third = simulate(scenario, households=60, seed=4, survey=60, first_replicate=2)
        assert halted(replicate=2).finish() == third
        assert halted(replicate=1).finish() != third

    def test_supplied_people_come_along(self, tmp_path: Path) -> None:
        scenario, _ = cases()["person"]
        whole = simulate(scenario, population=PEOPLE, seed=4)
        one = run_until(scenario, "2006-01", population=PEOPLE, seed=4)
        again = Halted.load(one.save(tmp_path / "halted.npz"))
        assert again.population is not None
        assert again.population.fingerprint() == PEOPLE.fingerprint()
        assert again.households == 3
        assert again.finish() == whole

    def test_what_is_done_is_not_done_again(self) -> None:
        # a change of the state shows in the end, so the state is what goes on
        one = halted()
        one._at.state.households["cash"][:] += 1_000_000
        assert one.finish() != halted().finish()


class TestBadInput:
    @pytest.mark.parametrize(
        ("month", "told"),
        [
            ("2004-12", "month = 2004-12 is outside 2005-01 to 2007-07"),
            ("2007-08", "month = 2007-08 is outside 2005-01 to 2007-07"),
            ("next year", "month: "),
        ],
    )
    def test_a_month_outside_the_run(self, month: str, told: str) -> None:
        with pytest.raises(ValueError, match=told):
            halted(month)

    def test_a_month_that_is_gone(self) -> None:
        with pytest.raises(ValueError, match="month = 2005-12 is outside 2006-01 to 2007-07"):
            halted().run_until("2005-12")

    def test_households_beside_a_population(self) -> None:
        with pytest.raises(ValueError, match="households = 5 beside a population"):
            run_until("rwanda", "2000-01", households=5, population=PEOPLE)
        with pytest.raises(ValueError, match=r"population must be a cbhi\.Population"):
            run_until("rwanda", "2000-01", population={"taste": [1]})  # type: ignore[arg-type]

    @pytest.mark.parametrize(("name", "value"), [("households", 0), ("seed", -1), ("replicate", 1.5)])
    def test_numbers(self, name: str, value: Any) -> None:
        with pytest.raises(ValueError, match=name):
            halted(**{name: value})


def rewritten(path: Path, change: Any, signed: bool = False) -> Path:
    """The file with its arrays or its record changed and zipped anew, its checksum too if ``signed``."""
    with np.load(path) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    record = json.loads(str(found["record"]))
    change(record, found)
    if signed:
        record.pop("checksum")
        arrays_only = {name: values for name, values in found.items() if name != "record"}
        record["checksum"] = _checksum(record, arrays_only)
    found["record"] = np.array(json.dumps(record))
    np.savez(path, **found)
    return path


class TestFiles:
    @pytest.fixture
    def path(self, tmp_path: Path) -> Path:
        return halted().save(tmp_path / "halted.npz")

    def refused(self, path: Path, told: str) -> None:
        with pytest.raises(ValueError, match=told) as raised:
            Halted.load(path)
        assert "halted.npz" in str(raised.value)

    def test_one_bit(self, path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        self.refused(path, "damaged")

    def test_cut_short(self, path: Path) -> None:
        path.write_bytes(path.read_bytes()[:-100])
        self.refused(path, "damaged")

    def test_a_franc_too_much(self, path: Path) -> None:
        def change(_: Any, arrays: Any) -> None:
            arrays["state.households"]["cash"][0] += 1

        self.refused(rewritten(path, change), "its checksum is not that of what it holds")

    @pytest.mark.parametrize("key", ["months_done", "seed", "households"])
    def test_another_number_in_the_record(self, path: Path, key: str) -> None:
        def change(record: Any, _: Any) -> None:
            record[key] += 1

        self.refused(rewritten(path, change), "checksum")

    def test_another_engine(self, path: Path) -> None:
        self.refused(
            rewritten(path, lambda record, _: record.update(engine="0" * 16)), "another engine, 0000"
        )

    def test_another_form(self, path: Path) -> None:
        self.refused(rewritten(path, lambda record, _: record.update(format_version=99)), "has format 99")

    def test_an_incomplete_record(self, path: Path) -> None:
        self.refused(rewritten(path, lambda record, _: record.pop("survey")), "holds no halted run")

    @pytest.mark.parametrize(
        ("change", "told"),
        [
            (lambda record, _: record.update(households=0), "damaged: households = 0 is outside"),
            (lambda record, _: record.update(seed=-1), "damaged: seed = -1 is outside"),
            (lambda record, _: record.update(months_done=10_000), "damaged: months_done = 10000 is outside"),
            (lambda record, _: record.update(fingerprint="0"), "damaged: its scenario is not the one"),
            (lambda record, _: record["scenario"].update(values=3), "damaged: its scenario cannot be read"),
            (
                lambda _, arrays: arrays.pop("state.households"),
                "damaged: it lacks arrays or has too many: st",
            ),
            (
                lambda _, arrays: arrays.update(more=np.zeros(2)),
                "damaged: it lacks arrays or has too many: more",
            ),
            (
                lambda _, arrays: arrays.update({"output.flows": arrays["output.flows"][:-1]}),
                "damaged: array 'output.flows' has shape",
            ),
            (
                lambda _, arrays: arrays.update({"population.households.taste": np.zeros(3)}),
                "damaged: its population has 3 households, not",
            ),
        ],
    )
    def test_a_forged_file_with_a_fitting_checksum(self, path: Path, change: Any, told: str) -> None:
        self.refused(rewritten(path, change, signed=True), told)

    def test_something_else(self, path: Path) -> None:
        np.savez(path, numbers=np.arange(3))
        self.refused(path, "holds no halted run of cbhi")

    def test_pickles(self, path: Path) -> None:
        np.savez(path, record=np.array([{"a": 1}], dtype=object))
        self.refused(path, "pickle")

    def test_results_are_no_halted_run(self, tmp_path: Path) -> None:
        scenario, _ = cases()["household"]
        simulate(scenario, households=5).save(tmp_path / "run")
        with pytest.raises(ValueError, match="holds no halted run of cbhi"):
            Halted.load(tmp_path / "run" / "arrays.npz")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="none"):
            Halted.load(tmp_path / "none.npz")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(OSError, match="a halted run cannot be written to"):
            halted().save(tmp_path / "none" / "halted.npz")

    def test_nothing_else_is_left_behind(self, path: Path) -> None:
        halted("2006-02").save(path)
        assert [file.name for file in path.parent.iterdir()] == ["halted.npz"]
        assert Halted.load(path).month == "2006-02"


def test_public_names() -> None:
    assert cbhi.run_until is run_until
    assert cbhi.Halted is Halted
