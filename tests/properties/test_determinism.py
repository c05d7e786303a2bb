"""One seed, one result: whatever the workers, the split of replicates, the compiler and the neighbours."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eventful_cases import cases, run_case
from hypothesis import given
from hypothesis import strategies as st
from strategies import quick, scenarios

from cbhi import Results, Scenario, simulate
from cbhi.kernels import codes as c
from cbhi.kernels.codes import FIRST_FOUNDED
from cbhi.kernels.draws import counter, draw_key, philox
from cbhi.kernels.records import State, Table
from cbhi.layouts import Layout, lay_out
from cbhi.replicates import begin_replicate, run_between

ONES = 0xFFFFFFFF
HERE = Path(__file__).parent


def assert_equal(ours: Results, theirs: Results) -> None:
    """Every array, integers and reals, is equal to the last bit."""
    for name, values in ours.arrays._asdict().items():
        np.testing.assert_array_equal(values, getattr(theirs.arrays, name), err_msg=name)


class TestSeedsWorkersAndReplicates:
    @pytest.mark.parametrize("case", list(cases()))
    def test_workers_change_nothing(self, case: str) -> None:
        scenario, households = cases()[case]
        runs = [simulate(scenario, households=households, replicates=5, seed=3, workers=w) for w in (1, 2, 5)]
        assert_equal(runs[0], runs[1])
        assert_equal(runs[0], runs[2])

    @given(scenario=scenarios(), households=st.integers(1, 60), seed=st.integers(0, 2**63 - 1))
    @quick
    def test_running_again_changes_nothing(self, scenario: Scenario, households: int, seed: int) -> None:
        runs = [simulate(scenario, households=households, replicates=2, seed=seed, workers=w) for w in (1, 2)]
        assert_equal(*runs)

    @pytest.mark.parametrize("first", [1, 2, 5])
    def test_a_replicate_does_not_depend_on_how_many_there_are(self, first: int) -> None:
        scenario, households = cases()["household"]
        many = simulate(scenario, households=households, replicates=6, seed=3)
        few = simulate(scenario, households=households, replicates=first, seed=3)
        for name, values in few.arrays._asdict().items():
            whole = getattr(many.arrays, name)
            np.testing.assert_array_equal(
                values, whole if name == "districts" else whole[:first], err_msg=name
            )

    def test_replicates_and_seeds_differ(self) -> None:
        scenario, households = cases()["household"]
        runs = [simulate(scenario, households=households, replicates=3, seed=seed) for seed in (1, 2)]
        finals = [tuple(run.arrays.stocks[r, -1].ravel().tolist()) for run in runs for r in range(3)]
        assert len(set(finals)) == 6
        # the next seed is no shifted series of replicates
        assert not set(finals[:3]) & set(finals[3:])

    def test_the_name_of_a_scenario_decides_nothing(self) -> None:
        scenario, households = cases()["household"]
        renamed = scenario.replace(name="another")
        assert_equal(simulate(scenario, households=households), simulate(renamed, households=households))

    def test_a_longer_run_begins_like_a_shorter_one(self) -> None:
        # storage for households to come differs, keys do not; both know the prices of the last year on sale
        scenario, households = cases()["person"]
        short = simulate(scenario.replace(end="2007-03", name="short"), households=households)
        long = simulate(scenario, households=households)
        n = short.scenario.n_months
        read_at_close = [c.CHRONIC, c.WOMEN, c.WOMEN_INSURED]
        monthly = [kind for kind in range(c.N_TALLIES) if kind not in read_at_close]
        np.testing.assert_array_equal(short.arrays.flows, long.arrays.flows[:, :n])
        np.testing.assert_array_equal(short.arrays.stocks, long.arrays.stocks[:, : n + 1])
        tallies = long.arrays.tallies[:, :n]
        np.testing.assert_array_equal(short.arrays.tallies[..., monthly], tallies[..., monthly])


class TestCompilerOff:
    @pytest.mark.parametrize("case", list(cases()))
    def test_plain_python_gives_the_same_integers(self, case: str, tmp_path: Path) -> None:
        file = tmp_path / "plain.npz"
        # any warning, of an overflow above all, is an error in the plain run
        done = subprocess.run(
            [sys.executable, "-W", "error", str(HERE / "eventful_cases.py"), str(file), case],
            env={**os.environ, "NUMBA_DISABLE_JIT": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        compiled = run_case(case).arrays
        moved = compiled.flows.sum(axis=(0, 1, 2))
        assert moved[c.CONTRIBUTION] > 0
        assert moved[c.SUBSIDY_NGO] > 0
        assert moved[c.PENALTY] > 0
        with np.load(file) as plain:
            for name, values in compiled._asdict().items():
                if name == "gauges":
                    np.testing.assert_allclose(plain[f"{case}/{name}"], values, rtol=1e-9, atol=1e-12)
                else:
                    np.testing.assert_array_equal(plain[f"{case}/{name}"], values, err_msg=name)


ADDRESSES = st.tuples(
    st.integers(0, 2**24 - 1),  # section
    st.integers(0, 2**32 - 1),  # household
    st.integers(0, 255),  # member
    st.integers(0, 65_535),  # month
    st.integers(0, 2**32 - 1),  # decision
    st.integers(0, 65_535),  # index
)


class TestKeys:
    @given(st.sets(ADDRESSES, min_size=2, max_size=200))
    @quick
    def test_distinct_addresses_have_distinct_counters(self, addresses: set[tuple[int, ...]]) -> None:
        counters = {tuple(int(word) for word in counter(*address)) for address in addresses}
        assert len(counters) == len(addresses)
        assert all(0 <= word <= ONES for words in counters for word in words)

    @given(ADDRESSES, st.integers(0, 5), st.integers(1, 255))
    @quick
    def test_a_change_of_one_part_changes_the_counter(self, place: Any, part: int, by: int) -> None:
        sizes = (2**24, 2**32, 256, 65_536, 2**32, 65_536)
        other = list(place)
        other[part] = (other[part] + by) % sizes[part]
        assert counter(*place) != counter(*other)

    @given(st.sets(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 99_999)), min_size=2, max_size=100))
    @quick
    def test_seeds_and_replicates_have_keys_of_their_own(self, pairs: set[tuple[int, int]]) -> None:
        assert len({draw_key(*pair) for pair in pairs}) == len(pairs)

    @pytest.mark.parametrize(
        ("place", "key", "expected"),
        [
            ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
            ((ONES,) * 4, (ONES, ONES), "408f276d 41c83b0e a20bc7c6 6d5451fd"),
            (
                (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
                (0xA4093822, 0x299F31D0),
                "d16cfe09 94fdcceb 5001e420 24126ea1",
            ),
        ],
    )
    def test_known_answers_of_random123(self, place: Any, key: tuple[int, int], expected: str) -> None:
        # philox4x32, 10 rounds, of the published known-answer file
        assert " ".join(f"{int(word):08x}" for word in philox(*place, *key)) == expected


def one_section(scenario: Scenario, households: int) -> Layout:
    """Section 7 of district 2 with this many households and some room."""
    return lay_out(scenario, households)._replace(
        number=np.array([7]), district_number=np.array([2]), limit=np.array([households + 10])
    )


def play(scenario: Scenario, households: int, n_months: int) -> State:
    """Return the state after so many months."""
    engine = begin_replicate(scenario, one_section(scenario, households), 5, 0)
    run_between(engine, 0, n_months)
    return engine.state


def same(ours: Table, theirs: Table, apart_from: tuple[str, ...] = ()) -> None:
    """Every field of the records is equal, and each is looked at by name."""
    for name in ours.dtype.names:
        if name not in apart_from:
            np.testing.assert_array_equal(ours[name], theirs[name], err_msg=name)


class TestNeighbours:
    @pytest.mark.parametrize("households", [1, 7, 59, 60, 61, 120])
    def test_one_more_household_changes_nobody_at_the_start(self, households: int) -> None:
        scenario = cases()["household"][0]
        fewer = play(scenario, households, 0)
        more = play(scenario, households + 1, 0)
        same(fewer.households[:households], more.households[:households])
        same(fewer.members[:households], more.members[:households])
        # and the newcomer is there
        assert int(more.sections[0].persons) > int(fewer.sections[0].persons)
        assert more.households[households].alive == 1
        assert fewer.households[households].alive == 0

    @pytest.mark.parametrize("unit", ["household", "person"])
    def test_one_more_household_changes_nobody_where_nothing_is_shared(self, unit: str) -> None:
        shared = (
            "peers", "groups", "trust", "quality", "rationing", "queues", "subsidies", "arrears_feedback",
            "demography",
        )  # fmt: skip
        scenario = cases()[unit][0].replace(
            {
                **{f"switches.{name}": False for name in shared},
                # suspension depends on the fund, categories on everybody's rank
                "fund.deficit_rule": "carry",
                "subsidy.poorest_share": 0.0,
                "subsidy.rich_share": 0.0,
            }
        )
        n = 40
        fewer = play(scenario, n, scenario.n_months)
        more = play(scenario, n + 1, scenario.n_months)
        # a quintile is a rank among all, by definition
        same(fewer.households[:n], more.households[:n], apart_from=("quintile",))
        same(fewer.members[:n], more.members[:n])
        start = play(scenario, n, 0)
        lived = fewer.households[:n]
        assert (lived["cash"] != start.households[:n]["cash"]).mean() > 0.9
        assert (lived["cover_until"] > 0).mean() > 0.2

    def test_households_founded_later_keep_their_keys_too(self) -> None:
        scenario = cases()["household"][0]
        n = 60
        fewer, more = play(scenario, n, scenario.n_months), play(scenario, n + 1, scenario.n_months)
        founded = int(fewer.sections[0].founded)
        assert founded >= 3
        assert int(more.sections[0].founded) >= founded
        for k in range(founded):
            one, other = fewer.households[n + k], more.households[n + 1 + k]
            assert one.ordinal == other.ordinal == FIRST_FOUNDED + k
        # who founds a household when is the same until the newcomer marries, and with it all that is drawn
        assert fewer.households[n].taste == more.households[n + 1].taste
        assert fewer.households[n].distance_km == more.households[n + 1].distance_km

    def test_shared_surroundings_do_change_households(self) -> None:
        # the same comparison with everything on differs, so the test above can fail
        scenario = cases()["household"][0]
        n = 40
        fewer, more = play(scenario, n, scenario.n_months), play(scenario, n + 1, scenario.n_months)
        assert (fewer.households[:n]["cash"] != more.households[:n]["cash"]).any()

    def test_the_order_of_replicates_in_one_process_leaves_no_trace(self) -> None:
        scenario, households = cases()["household"]
        once = simulate(scenario, households=households, seed=1)
        simulate(scenario, households=households, seed=2)
        assert_equal(once, simulate(scenario, households=households, seed=1))
