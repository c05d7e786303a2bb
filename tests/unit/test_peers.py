"""The reduced model of ``benchmarks/peers``: its numbers by hand, and that programs agree on what it does."""

from __future__ import annotations

import dataclasses
import math
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not (BENCHMARKS / "peers").exists():
    pytest.skip("benchmarks are not part of this install", allow_module_level=True)
sys.path.insert(0, str(BENCHMARKS))

from peers import engine, numpy_monthly_peer, numpy_peer, timing  # noqa: E402
from peers.agreement import Row, compare, worst  # noqa: E402
from peers.definition import (  # noqa: E402
    COUNTED,
    DISTRICTS,
    Counts,
    People,
    Rules,
    by_district,
    draw_people,
)
from peers.page import BEGIN, END, fill_in  # noqa: E402

HOUSEHOLDS = 4_000
ROUNDS = 6
RULES = Rules(years=5)


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(HOUSEHOLDS, seed=3)


def run_engine(rules: Rules, people: People, rounds: int) -> list[Counts]:
    scenario = engine.make_scenario(rules, people.sections)
    population = engine.make_population(people)
    return [engine.simulate(scenario, population, seed) for seed in range(rounds)]


def run_peer(module: Any, rules: Rules, people: People, rounds: int) -> list[Counts]:
    # seeds of their own: a peer may use the same generator as another
    return [module.simulate(rules, people, 1_000 + seed) for seed in range(rounds)]


@pytest.fixture(scope="module")
def ours(people: People) -> list[Counts]:
    return run_engine(RULES, people, ROUNDS)


@pytest.mark.parametrize("module", [numpy_peer, numpy_monthly_peer], ids=lambda m: m.__name__)
def test_numpy_counts_what_the_engine_counts(module: Any, people: People, ours: list[Counts]) -> None:
    apart = worst(compare(ours, run_peer(module, RULES, people, ROUNDS)))
    assert apart.agrees, apart


@pytest.mark.parametrize("name", ["laser", "starsim", "mesa"])
def test_other_peers_count_what_the_engine_counts(name: str, people: People, ours: list[Counts]) -> None:
    pytest.importorskip({"laser": "laser.core"}.get(name, name))
    modules, missing = timing.load_peers([name])
    assert missing == []
    apart = worst(compare(ours, run_peer(modules[name], RULES, people, ROUNDS)))
    assert apart.agrees, apart


@pytest.mark.parametrize(
    "change",
    [
        {"peers": 1.5},
        {"price_slope": 80.0},
        {"inertia": 1.1},
        {"laid_aside": 0.09},
        {"interest": 1.5},
        {"cost": 860.0},
        {"fee": 560.0},
        {"copayment": 220},
        {"default_share": 0.065},
        {"administration": 0.15},
        {"persistence": 0.0},
        {"years_barred": 1, "default_share": 0.9},
    ],
    ids=lambda change: " ".join(change),
)
def test_agreement_notices_another_rule(change: dict[str, Any], people: People, ours: list[Counts]) -> None:
    other = dataclasses.replace(RULES, **change)
    base = ours
    if len(change) > 1:
        # how long one is barred shows only where many are
        same = dataclasses.replace(RULES, default_share=change["default_share"])
        base = run_engine(same, people, ROUNDS)
        assert worst(compare(base, run_peer(numpy_peer, same, people, ROUNDS))).agrees
    apart = worst(compare(base, run_peer(numpy_peer, other, people, ROUNDS)))
    assert not apart.agrees, apart


def test_who_all_want_cover_all_get_it(people: People) -> None:
    """With a wish that nothing can outweigh, everybody pays from cash or with a loan; sums are exact."""
    rules = dataclasses.replace(RULES, years=2, intercept=20.0, price_slope=0.0, default_share=0.0)
    persons = int(people.size.sum())
    ran = {
        "engine": run_engine(rules, people, 1)[0],
        "numpy": numpy_peer.simulate(rules, people, 1),
        "by the month": numpy_monthly_peer.simulate(rules, people, 1),
    }
    for name, counts in ran.items():
        total = {kind: found.sum(axis=1) for kind, found in counts.items()}
        assert total["covered"].tolist() == [persons, persons], name
        assert total["contributions"].tolist() == [1_000 * persons, 1_000 * persons], name
        # the engine's borrowers default at will in fewer than one case of a thousand
        assert total["defaults"].sum() <= (total["loans"].sum() / 1_000 if name == "engine" else 0), name
        net = total["contributions"] * 0.9 - total["claims"]
        # administration is rounded in every section
        assert np.abs(np.cumsum(net) - total["fund"]).max() <= 2 * people.sections, name
        assert 0 < total["loans"][0] < people.n, name


def test_all_who_borrow_and_fail_are_barred_for_two_years(people: People) -> None:
    rules = dataclasses.replace(
        RULES, years=4, intercept=20.0, price_slope=0.0, default_share=1.0, laid_aside=0.0001
    )
    for counts in (run_engine(rules, people, 1)[0], numpy_peer.simulate(rules, people, 1)):
        loans = counts["loans"].sum(axis=1)
        assert loans.tolist() == [people.n, 0, 0, people.n]
        assert counts["defaults"].sum(axis=1).tolist() == loans.tolist()
        # of ten instalments 4.5 are paid on average
        lost = counts["lost"].sum() / counts["lent"].sum()
        assert lost == pytest.approx(0.55, abs=4 * 0.29 / math.sqrt(loans.sum()) * 1.2)


def test_nobody_joins_without_a_wish(people: People) -> None:
    rules = dataclasses.replace(RULES, years=1, intercept=-20.0)
    for counts in (run_engine(rules, people, 1)[0], numpy_peer.simulate(rules, people, 1)):
        for kind in ("covered", "visits_insured", "contributions", "claims", "loans", "fund"):
            assert counts[kind].sum() == 0, kind
        assert counts["visits_uninsured"].sum() > 0


def test_numbers_of_the_definition_by_hand() -> None:
    rules = Rules()
    # a lognormal with Gini 0.3: 2 Phi(s / sqrt 2) - 1 = 0.3
    assert math.erf(rules.log_sd / 2.0) == pytest.approx(0.3, abs=1e-12)
    assert rules.cover_share == 11 / 12
    # 36,500 francs a month are 1,200 a day: a fee of 600 adds ln 1.5, a co-payment of 200 ln(7/6)
    income = np.array([36_500.0])
    p_fee = 1 / (1 + math.exp(0.5) * 1.5**1.5)
    p_member = 1 / (1 + math.exp(0.5) * (7 / 6) ** 1.5)
    assert numpy_peer.chance_of_seeking(rules, income, 600)[0] == pytest.approx(p_fee, rel=1e-12)
    assert numpy_peer.chance_of_seeking(rules, income, 200)[0] == pytest.approx(p_member, rel=1e-12)
    # 12 episodes a year, a premium of 3,000
    gain = 11 / 12 * 12 * (600 * p_fee - 200 * p_member + 0.5 * 900 * (p_member - p_fee)) - 3_000
    found = numpy_peer.gain_of_cover(
        rules, np.array([12.0]), np.array([p_fee]), np.array([p_member]), np.array([3_000.0])
    )
    assert found[0] == pytest.approx(gain, rel=1e-12)
    # 2,000 francs at 15 % a year in ten instalments: 2,000 * 0.15 * 11 / 24 = 137.5, halves to even
    assert numpy_peer.interest_of(rules, np.array([2_000.0, 2_400.0])).tolist() == [138.0, 165.0]


def test_utility_by_hand(people: People) -> None:
    scheme = numpy_peer.Scheme(RULES, people, 1)
    scheme.earn()
    scheme.member[0] = True
    first = people.section == 0
    scheme.recent = first & (np.arange(people.n) % 4 == 0)
    share = scheme.recent[first].mean()
    gain = numpy_peer.gain_of_cover(RULES, scheme.need, scheme.p_fee, scheme.p_member, scheme.premium)
    sd = RULES.log_sd
    relative = sd * people.position[0] - 0.5 * sd**2
    income = round(205_000 * math.exp(relative) * people.size[0] / 12)
    wanted = -1.0 + 100 * gain[0] / (12 * income) + 0.2 * relative + 2 * share + 1.5 + people.taste[0]
    assert scheme.utility()[0] == pytest.approx(wanted, rel=1e-12)


def test_people_are_whole_sections_of_equal_size() -> None:
    for households, sections in ((2_000, 40), (20_000, 400), (200_000, 400)):
        people = draw_people(households, seed=1)
        assert people.sections == sections
        assert (np.bincount(people.section) == households // sections).all()
        assert people.size.min() == 1
        assert people.size.max() <= 12
    assert people.need.mean() == pytest.approx(1.0, abs=4 * math.sqrt(0.4 / 200_000))
    with pytest.raises(ValueError, match="at least 2,000 households"):
        draw_people(1_999, seed=1)


def test_sums_by_district() -> None:
    counts = {name: np.arange(2.0 * 80).reshape(2, 80) for name in COUNTED}
    found = by_district(counts)["claims"]
    assert found.shape == (2, DISTRICTS)
    assert found[0, :3].tolist() == [1.0, 5.0, 9.0]
    assert found[1, 0] == 80.0 + 81.0


def _counts(covered: list[float]) -> Counts:
    return {name: np.array([covered]) for name in COUNTED}


def test_standard_errors_by_hand() -> None:
    rows = compare([_counts([10.0, 20.0])], [_counts([13.0, 21.0])])
    row = rows[0]
    # differences 3 and 1: mean 2, standard deviation sqrt 2, error 1
    assert (row.cbhi, row.peer, row.standard_error) == (15.0, 17.0, pytest.approx(1.0))
    assert row.errors == pytest.approx(2.0)
    assert row.agrees
    assert Row("one", 1.0, 1.0, 0.0).agrees
    assert not Row("two", 1.0, 2.0, 0.0).agrees
    assert not Row("far", 1.0, 5.1, 1.0).agrees


def _comparison(cbhi: float, peer: float, name: str = "numpy", apart: float = 0.0) -> timing.Comparison:
    times = np.array([0.9, 1.0, 1.3])
    return timing.Comparison(
        peer=timing.PEERS[name],
        households=1_000,
        years=10,
        cbhi_seconds=tuple(cbhi * times),
        peer_seconds=tuple(peer * times[::-1]),
        rows=(Row("claims", 1.0, 1.0 + apart, 1.0),),
    )


def test_ratios_are_of_medians_and_verdicts_follow_targets() -> None:
    met = _comparison(0.1, 1.2)
    assert met.ratio == pytest.approx(12.0)
    assert met.ratio_per_step == pytest.approx(144.0)
    assert met.spread == (pytest.approx(12 * 0.9 / 1.3), pytest.approx(12 * 1.3 / 0.9))
    row = met.as_dict()
    assert (row["value"], row["must"], row["aim"], row["ok"], row["cause"]) == (
        met.ratio,
        10.0,
        20.0,
        True,
        "",
    )
    assert row["cbhi_ns_per_household_year"] == pytest.approx(0.1 / 1e4 * 1e9)
    missed = _comparison(0.1, 0.9).as_dict()
    assert not missed["ok"]
    assert "for a step of each the ratio is 108, enough" in missed["cause"]
    assert "0.12, too little as well" in _comparison(1.0, 0.01).as_dict()["cause"]
    differs = _comparison(0.1, 1.2, apart=4.5).as_dict()
    assert not differs["ok"]
    assert differs["cause"] == "the programs differ: claims by +4.5 standard errors"
    # a program by the month has the steps of the engine, and no target
    monthly = _comparison(0.1, 0.05, "numpy-monthly")
    assert monthly.ratio_per_step == monthly.ratio
    assert monthly.as_dict()["ok"]


def test_the_table_of_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale\n{END}\nafter\n", encoding="utf-8")
    fill_in(page, [_comparison(0.1, 1.2).as_dict(), _comparison(0.1, 0.05, "numpy-monthly").as_dict()])
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale" not in text
    numpy_row, monthly_row = text.splitlines()[5:7]
    assert numpy_row == (
        "| NumPy / cbhi, N = 1,000 | 120,000 | 10,000 | 12 (8.31 - 17.3) | 10 | 20 | yes | 144"
        " | claims: +0.0 s.e. |"
    )
    assert " | 0.5 (0.346 - 0.722) | - | - | - | 0.5 | " in monthly_row
    page.write_text("no marks", encoding="utf-8")
    with pytest.raises(ValueError, match="no place for the table"):
        fill_in(page, [])


def test_rounds_run_everybody_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    calls: list[int] = []

    def simulate(rules: Rules, people: People, seed: int) -> Counts:
        calls.append(seed)
        return numpy_peer.simulate(rules, people, seed)

    module = SimpleNamespace(simulate=simulate)
    rules = Rules(years=1)
    found = timing.compare_in_turn({"numpy": module}, 2_000, rules, rounds=2, say=said.append)
    # once before the clock runs, then a round each
    assert calls == [0, 1, 2]
    assert len(found["numpy"].cbhi_seconds) == len(found["numpy"].peer_seconds) == len(said) == 2
    assert found["numpy"].agrees


def test_a_peer_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mesa", None)
    monkeypatch.delitem(sys.modules, "peers.mesa_peer", raising=False)
    modules, missing = timing.load_peers(["numpy", "mesa"])
    assert list(modules) == ["numpy"]
    assert len(missing) == 1
    assert missing[0].startswith("Mesa is left out: ")
    assert "pip install mesa" in missing[0]
    broken = timing.PEERS["numpy"]._replace(module="peers.nothing_like_it")
    monkeypatch.setitem(timing.PEERS, "numpy", broken)
    with pytest.raises(ModuleNotFoundError):
        timing.load_peers(["numpy"])


def test_engine_refuses_visits_that_went_unpaid(people: People) -> None:
    scenario = engine.make_scenario(Rules(years=1), people.sections)
    strict = scenario.replace({"switches.informal_debt": False})
    with pytest.raises(RuntimeError, match="unpaid"):
        engine.simulate(strict, engine.make_population(people), 1)
