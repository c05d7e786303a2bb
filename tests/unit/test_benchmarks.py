"""The benchmarks measure what they say, and judge it as they say; nothing here depends on how fast it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cbhi
from cbhi.kernels.draws import philox
from cbhi.kernels.records import Household, record_table

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
import guard  # noqa: E402
import measuring  # noqa: E402
import scaling  # noqa: E402
import targets  # noqa: E402
import units  # noqa: E402
import workers  # noqa: E402

MEBIBYTE = 2**20
# section 4 of the plan for speed: must and aim
ASKED = {
    "full monthly model": (15, 9),
    "NumPy twin over cbhi": (10, 20),
    "LASER twin over cbhi": (6, 12),
    "Starsim twin over cbhi": (80, 150),
    "Mesa twin over cbhi": (250, 500),
    "cost per household-month, large over small": (1.25, 1.05),
    "all of Rwanda, time": (15, 8),
    "all of Rwanda, peak memory": (1000, 400),
    "simulations a second, 20,000 households": (8, 14),
    "simulations a second, 2,000 households": (60, 120),
    "state per household": (200, 110),
    "whole engine compiled cold": (30, 20),
    "first run from the cache": (1.0, 0.4),
    "import beyond numba and pandas": (0.3, 0.1),
    "cbhi --help": (0.3, 0.2),
    "same integers: workers, order, batches": (0, 0),
    "same integers: AVX2 and AVX-512": (0, 0),
}


class TestUnit:
    def test_a_block_of_the_unit_is_a_block_of_the_engine(self) -> None:
        out = np.zeros(300, dtype=np.uint32)
        rest = (5 << 8, 24_000 << 16, 41, 0x12345678, 0x9ABCDEF0)
        units.philox_blocks(out, *(np.uint64(word) for word in rest))
        for i in (0, 1, 299):
            a, b, c, d = philox(i, *rest)
            assert int(out[i]) == a ^ b ^ c ^ d

    def test_a_processor_without_wide_vectors_gets_none(self) -> None:
        path = f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})"
        code = f"{path}; import units; print(units.is_wide())"
        done = measuring.fresh_process(["-c", code], **targets.without_avx512())
        assert done.printed == "False\n"

    def test_time_is_that_of_one_block(self) -> None:
        assert 1e-10 < units.seconds_per_block(200) < 1e-6


class TestMeasuring:
    def test_household_months_are_those_of_households_that_exist(self) -> None:
        results = cbhi.simulate("rwanda-rules", households=40, replicates=2, survey=0)
        alive = results.values("households", every="month")[..., 0].sum() / results.weight
        assert measuring.household_months(results) == pytest.approx(alive)
        assert alive > 2 * 40 * results.scenario.n_months  # the population grows

    def test_cost_counts_the_months_of_all_replicates(self) -> None:
        scenario = measuring.one_year(cbhi.scenario("rwanda"))
        one = measuring.cost_of_months(scenario, 60)
        two = measuring.cost_of_months(scenario, 60, (0, 1))
        assert 60 * 12 <= one.household_months < two.household_months < 3 * one.household_months
        assert measuring.Cost(2.0, 10**9).ns == pytest.approx(2.0)

    def test_the_full_model_has_every_partner(self) -> None:
        together = {"population.districts": 1, "rollout.pilot_districts": 1}
        results = cbhi.simulate(measuring.full_model().replace(together), households=600, survey=0)
        for name in (
            "loans", "group_savings_rwf", "fraud_rwf", "embezzled_rwf", "visits_elsewhere_per_person_year",
            "induced_rwf", "subsidies_rwf", "donor_money_rwf", "penalties", "gate_refusals",
        ):  # fmt: skip
            assert results.values(name).sum() > 0, name
        assert results.values("premium_factor").max() > 1

    def test_jobs_are_done_in_turn(self) -> None:
        order: list[str] = []

        def job(name: str) -> Any:
            return lambda: float(order.append(name) or len(order))

        found = measuring.interleaved({"a": job("a"), "b": job("b")}, 3)
        assert order == ["a", "b", "b", "a", "a", "b"]
        assert found == {"a": [1, 4, 5], "b": [2, 3, 6]}

    def test_ratios_are_those_of_one_round(self) -> None:
        assert measuring.ratios([2.0, 30.0, 5.0], [1.0, 10.0, 1.0]) == (3.0, 2.0, 5.0, 3)

    def test_bytes_are_those_of_all_arrays_within(self) -> None:
        class Columns:
            def __init__(self) -> None:
                self.first = np.zeros(10)
                self.second = {"x": np.zeros(5, dtype=np.int8)}

        records = record_table(Household, 7)
        assert measuring.bytes_in((Columns(), [records], "text", 3)) == 80 + 5 + records.nbytes
        assert records.nbytes > 7 * 50

    def test_what_has_no_known_size_is_told(self) -> None:
        class Closed:
            __slots__ = ("array",)

        with pytest.raises(TypeError, match="how many bytes Closed takes"):
            measuring.bytes_in([Closed()])

    def test_a_process_tells_its_memory_and_its_words(self) -> None:
        small = measuring.fresh_process(["-c", "print('done')"])
        large = measuring.fresh_process(["-c", f"x = bytearray({200 * MEBIBYTE}); print(len(x))"])
        assert small.printed == "done\n"
        assert 190 * MEBIBYTE < large.peak_bytes - small.peak_bytes < 230 * MEBIBYTE
        assert large.seconds > 0

    def test_a_process_that_fails_says_why(self) -> None:
        with pytest.raises(RuntimeError, match=r"ended with 1: (?s:.)*no such thing"):
            measuring.fresh_process(["-c", "raise SystemExit('no such thing')"])

    def test_a_table_replaces_what_is_between_its_markers(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("a\n<!-- measured: x -->\nold\n<!-- measured to here: x -->\nb\n", encoding="utf-8")
        for text in ("first", "second"):
            measuring.put_between(page, "x", text)
        text = page.read_text(encoding="utf-8")
        assert text == "a\n<!-- measured: x -->\n\nsecond\n\n<!-- measured to here: x -->\nb\n"
        with pytest.raises(ValueError, match="no part between '<!-- measured: y -->'"):
            measuring.put_between(page, "y", "text")
        assert list(tmp_path.iterdir()) == [page]


def _targets() -> dict[str, targets.Target]:
    return {target.name: target for group in targets.GROUPS.values() for target in group}


class TestTargets:
    def test_every_target_is_there(self) -> None:
        assert {name: (t.must, t.aim) for name, t in _targets().items()} == ASKED
        assert set(targets.MEASURES) == set(targets.GROUPS)
        assert all(target.cause for target in _targets().values())

    @pytest.mark.parametrize(
        ("name", "value", "ok", "verdict"),
        [
            ("full monthly model", 15.0, True, "must"),
            ("full monthly model", 15.1, False, "MISSED"),
            ("full monthly model", 9.0, True, "aim"),
            ("NumPy twin over cbhi", 9.9, False, "MISSED"),
            ("NumPy twin over cbhi", 10.0, True, "must"),
            ("NumPy twin over cbhi", 20.0, True, "aim"),
            ("same integers: AVX2 and AVX-512", 0, True, "aim"),
            ("same integers: AVX2 and AVX-512", 1, False, "MISSED"),
            ("all of Rwanda, time", None, None, "not measured"),
        ],
    )
    def test_a_value_is_judged(self, name: str, value: float, ok: bool, verdict: str) -> None:
        target = _targets()[name]
        row = targets.row(target, targets.Measured(value, "a note"))
        assert {"name", "value", "must", "aim", "ok"} <= set(row)
        assert row["ok"] is ok
        assert targets.verdict(target, value) == verdict
        text = targets.as_text([row])
        assert verdict in text
        assert "a note" in text
        assert (target.cause in text) == (verdict == "MISSED")

    def test_what_cannot_be_measured_stops_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(size: targets.Size) -> list[targets.Measured]:
            raise RuntimeError("no room")

        monkeypatch.setitem(targets.MEASURES, "nation", fails)
        monkeypatch.setitem(targets.MEASURES, "state", lambda size: [targets.Measured(100.0, "counted")])
        rows = targets.measure(["nation", "state"], targets.Size(True, 1))
        assert [row["value"] for row in rows] == [None, None, 100.0]
        assert rows[0]["note"] == "failed: no room"

    def test_rows_are_merged_and_a_page_shows_all(self, tmp_path: Path) -> None:
        file = tmp_path / "rows.json"
        by_name = _targets()
        first = targets.row(by_name["state per household"], targets.Measured(300.0, "earlier"))
        second = targets.row(by_name["cbhi --help"], targets.Measured(0.1, "help"))
        again = targets.row(by_name["state per household"], targets.Measured(180.0, "new"))
        targets.merged(file, [first])
        rows = targets.merged(file, [second, again])
        assert json.loads(file.read_text(encoding="utf-8")) == rows
        page = targets.as_page(rows)
        assert "| state per household, bytes | 180 | <= 200 | <= 110 | must | new |" in page
        assert "| cbhi --help, s | 0.1 | <= 0.3 | <= 0.2 | aim | help |" in page
        assert "earlier" not in page

    def test_peers_that_are_not_there_are_said(self) -> None:
        spread = {"ratio_smallest": 12.0, "ratio_largest": 13.0, "rounds": 5, "ratio_per_step": 150.0}
        row = {"households": 2_000, "cause": "", "agrees": True, **spread}
        rows = [
            {"name": "NumPy by the month / cbhi, N = 2,000", "value": 99.0, **row},
            {"name": "NumPy / cbhi, N = 2,000", "value": 12.5, **row},
            {
                "name": "Mesa / cbhi, N = 2,000",
                "value": 300.0,
                **row,
                "agrees": False,
                "cause": "they differ",
            },
        ]
        found = targets.peer_rows({"targets": rows, "left_out": ["LASER is left out: no package"]})
        assert found[0].value == 12.5
        assert found[0].note == "12 to 13 in 5 rounds; 2,000 households; 150 for one step of each"
        assert found[1] == (None, "LASER is left out: no package")
        assert found[2] == (None, "its program was not run")
        assert found[3] == (None, "they differ")

    def test_integers_that_differ_are_found(self, monkeypatch: pytest.MonkeyPatch) -> None:
        size = targets.Size(True, 1)
        scenario = cbhi.scenario("rwanda-rules").replace({}, end="2000-12")
        monkeypatch.setattr(targets.eventful_cases, "cases", lambda: {"partners": (scenario, 60)})
        assert targets.same(size)[0].value == 0
        simulate = cbhi.simulate

        def wrong(*args: Any, **kwargs: Any) -> cbhi.Results:
            seed = 12 if kwargs.get("workers", 1) == 2 else kwargs["seed"]
            return simulate(*args, **{**kwargs, "seed": seed})

        monkeypatch.setattr(cbhi, "simulate", wrong)
        (found, _) = targets.same(size)
        assert found == (1, "differ: 2 workers")

    def test_a_processor_without_wide_vectors_is_asked_for(self) -> None:
        environment = targets.without_avx512()
        features = environment["NUMBA_CPU_FEATURES"].split(",")
        assert environment["NUMBA_CPU_NAME"] == "haswell"
        assert not [name for name in features if name.startswith(("+avx512", "+avx10", "+amx"))]
        assert [name for name in features if name.startswith("-avx512")]

    def test_integers_of_another_processor_are_compared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: dict[str, Any] = {}

        def finished(arguments: list[str], cache: str, **environment: str) -> measuring.Finished:
            asked.update(environment)
            return measuring.Finished(1.0, 1.0, 1, "a warning\nsame other\n")

        monkeypatch.setattr(targets, "fresh_process", finished)
        monkeypatch.setattr(targets, "has_avx512", lambda: True)
        monkeypatch.setattr(targets, "eventful_integers", lambda: "same own")
        assert targets.vectors(targets.Size(False, 1)).value == 1
        assert asked == targets.without_avx512()
        monkeypatch.setattr(targets, "eventful_integers", lambda: "same other")
        assert targets.vectors(targets.Size(False, 1)).value == 0
        monkeypatch.setattr(targets, "has_avx512", lambda: False)
        assert targets.vectors(targets.Size(False, 1)) == (None, "no AVX-512 here")

    def test_the_nation_is_one_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[str] = []

        def finished(arguments: list[str]) -> measuring.Finished:
            asked.extend(arguments)
            return measuring.Finished(12.0, 11.0, 500_000_000, "")

        monkeypatch.setattr(targets, "fresh_process", finished)
        seconds, peak = targets.nation(targets.Size(False, 1))
        assert (seconds.value, peak.value) == (12.0, 500.0)
        assert asked[:7] == ["-m", "cbhi", "run", "rwanda", "--point", "--households", "all"]
        assert "1,759,808 households" in seconds.note
        assert "11.0 s of processors" in seconds.note

    def test_starting_is_timed_in_a_process_of_its_own(self) -> None:
        imported, first, second = targets.first_run()
        for clock, processors in (imported, first, second):
            assert 0 < clock < 300
            assert processors > 0
        found = targets._clocked([(1.0, 0.5), (2.0, 0.6), (4.0, 0.7)], "a run")
        assert found == (2.0, "1 to 4 in 3 rounds, 0.6 s of processors; a run")

    def test_simulations_are_counted_by_the_second(self) -> None:
        found = targets.simulations_per_second(50, 3)
        assert found.value is not None
        assert found.value > 0
        assert "3 parameter sets" in found.note

    def test_state_counts_households_and_members(self) -> None:
        (found,) = targets.state(targets.Size(True, 1))
        assert found.value is not None
        assert 50 < found.value < 2_000


class TestWorkers:
    def test_every_kind_of_worker_is_timed(self) -> None:
        found = workers.replicates_a_second(50, 3, 1)
        assert set(found) == {
            "one thread", "two threads", "two processes", "seconds to start the processes",
        }  # fmt: skip
        assert all(value > 0 for value in found.values())
        assert set(workers.parameter_sets_a_second(50, 2, 1)) == {"simulate", "Simulator"}

    def test_other_integers_are_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        class Other(cbhi.Simulator):
            def run(self, changes: Any = None, **named: Any) -> cbhi.Results:
                return super().run(changes, **{**named, "seed": 2})

        monkeypatch.setattr(cbhi, "Simulator", Other)
        with pytest.raises(SystemExit, match="does not come to the integers of simulate"):
            workers.parameter_sets_a_second(50, 2, 1)


class TestGuard:
    def test_ratios_are_of_jobs_that_are_done(self, monkeypatch: pytest.MonkeyPatch) -> None:
        names = {name for ratio in guard.RATIOS.values() for name in (ratio.over, ratio.under)}
        cost = {name: float(place + 1) for place, name in enumerate(sorted(names))}
        done = {name: (lambda value=value: value) for name, value in cost.items()}
        monkeypatch.setattr(guard, "jobs", lambda: done)
        found = guard.measured_ratios(2)
        for name, ratio in guard.RATIOS.items():
            assert found[name] == [cost[ratio.over] / cost[ratio.under]] * 2

    @pytest.mark.parametrize(
        ("ratios", "best", "verdict"),
        [
            ([1.04] * 4, 1.04, "as before"),
            ([1.06] * 4, 1.06, "SLOWER"),
            ([1.06] * 4, 1.04, "as before"),  # the best rounds are alike
            ([0.9, 1.0, 1.2, 1.3], 1.06, "as before"),  # half of the rounds only
            ([1.0, 1.08, 1.08, 1.09], 1.06, "SLOWER"),
            ([0.5, 0.9, 0.9, 1.2], 0.9, "faster"),
            ([0.5, 0.9, 0.9, 1.2], 0.97, "as before"),
        ],
    )
    def test_slower_is_slower_in_most_rounds(self, ratios: list[float], best: float, verdict: str) -> None:
        assert guard.Change("x", ratios, best, 0.05).verdict == verdict

    def test_rounds_are_paired_only_where_they_were_in_turn(self) -> None:
        before, now = {"x": [1.0, 2.0, 4.0]}, {"x": [2.0, 4.0, 8.0]}
        (paired,) = guard.changes_of(before, now, 0.05, paired=True)
        (alone,) = guard.changes_of(before, now, 0.05, paired=False)
        assert paired.ratios == [2.0, 2.0, 2.0]
        assert alone.ratios == [1.0, 2.0, 4.0]
        assert paired.best == alone.best == 2.0

    def test_before_and_after(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "before.json"
        factor = 1.0

        def ratios(rounds: int) -> dict[str, list[float]]:
            return {name: [10.0 * (factor if name == "survey" else 1.0)] * rounds for name in guard.RATIOS}

        monkeypatch.setattr(guard, "measured_ratios", ratios)

        def call(*arguments: str) -> int:
            monkeypatch.setattr(sys, "argv", ["guard.py", *arguments, "--rounds", "3"])
            return guard.main()

        assert call("--save", str(file)) == 0
        assert call("--against", str(file)) == 0
        assert "nothing is slower by 5%" in capsys.readouterr().out
        factor = 1.1
        assert call("--against", str(file)) == 1
        assert "slower: survey" in capsys.readouterr().out
        assert call("--against", str(file), "--tolerance", "0.2") == 0
        with pytest.raises(SystemExit):
            call()
        with pytest.raises(SystemExit):
            call("--tree", str(ROOT))

    def test_the_page_has_the_ratios(self, tmp_path: Path) -> None:
        page = tmp_path / "page.md"
        page.write_text("<!-- measured: guard -->\n<!-- measured to here: guard -->\n", encoding="utf-8")
        guard.save(tmp_path / "now.json", page, {"survey": [1.0, 1.25, 1.5]})
        assert "| survey | 1.25 | 1 to 1.5 in 3 rounds |" in page.read_text(encoding="utf-8")

    def test_a_tree_works_when_told_to(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        worker = tmp_path / "worker.py"
        source = ROOT / "src" / "cbhi" / "__init__.py"
        worker.write_text(
            f"import sys\nprint({str(source)!r}, flush=True)\n"
            "for line in sys.stdin:\n    print({'a': 1.5, 'b': 2.5}[line.strip()], flush=True)\n",
            encoding="utf-8",
        )
        monkeypatch.setattr(guard, "__file__", str(worker))
        tree = guard.Tree(ROOT)
        assert [tree.time("b"), tree.time("a")] == [2.5, 1.5]
        with pytest.raises(SystemExit, match="has ended"):
            tree.time("no job")
        tree.close()
        with pytest.raises(SystemExit, match="no source tree"):
            guard.Tree(tmp_path)


def _points() -> list[scaling.Point]:
    """Runs that cost 0.1 s and 50 ns a household-month, 80 MB and 1,000 bytes a household."""
    found = []
    for households in (1_000, 10_000, 100_000):
        lived = 190 * households
        memory = 80_000_000 + 1_000 * households
        found.append(scaling.Point("households", households, 0.1 + 50e-9 * lived, 1.0, memory, lived))
    for replicates in (1, 2, 8):
        memory = 90_000_000 + 5_000_000 * replicates
        found.append(scaling.Point("replicates", replicates, 0.3 * replicates, 1.0, memory, 10**6))
    for name in ("months", "sections", "workers"):
        found += [scaling.Point(name, at, 1.0, 1.0, 10**8, 10**6) for at in (1, 2)]
    return found


class TestScaling:
    def test_a_line_goes_through_its_points(self) -> None:
        line = scaling.straight_line([1, 10, 100], [5, 32, 302])
        assert line == pytest.approx((2.0, 3.0))
        assert line.at(1_000) == pytest.approx(3_002)

    def test_slopes_are_found_again(self) -> None:
        slopes = scaling.slopes_of(_points())
        assert slopes.seconds == pytest.approx((0.1, 50e-9))
        assert slopes.memory == pytest.approx((80e6, 1_000))
        assert slopes.lived_per_household == 190
        assert slopes.replicate_bytes == pytest.approx(5e6)

    def test_a_country_is_read_from_the_slopes(self) -> None:
        text = scaling.table_of_countries(scaling.slopes_of(_points()))
        # 20 million households x 190 months x 50 ns = 190 s; 20 million x 1,000 bytes
        assert "| Ethiopia, about | 20,000,000 | 3 min | 20.1 GB |" in text

    def test_the_picture_is_drawn(self, tmp_path: Path) -> None:
        pytest.importorskip("matplotlib")
        file = tmp_path / "scaling.png"
        scaling.draw(_points(), scaling.slopes_of(_points()), file)
        assert file.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"

    def test_a_run_in_a_process_of_its_own(self) -> None:
        point = scaling.measured("months", 3, households=50, end=scaling._month(3))
        assert 150 <= point.household_months < 165
        assert point.seconds > 0
        assert point.peak_bytes > 50 * MEBIBYTE

    def test_months_are_counted_from_the_start(self) -> None:
        scenario = cbhi.scenario("rwanda")
        assert scenario.replace({}, end=scaling._month(30)).n_months == 30
