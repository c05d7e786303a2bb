"""Parameter sets by themselves and in scenarios: files, what is refused, and what overrides what."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import quick

import cbhi
from cbhi.cli import main
from cbhi.scenarios.diff import differences
from cbhi.scenarios.schema import scenario_schema
from cbhi.storage import scenario_from_plain, scenario_to_plain

KEYS = ("enrolment.inertia", "observation.overcount_share")
VALUES = [[1.0, 0.05], [1.2, 0.1], [1.4, 0.15]]
ABOUT = {"source": "made up, for a test", "confidence": "assumption", "command": 'python -c "x"'}


def made(n: int = 3) -> cbhi.ParameterSets:
    return cbhi.ParameterSets(KEYS, np.array(VALUES[:n]), ABOUT)


def short() -> cbhi.Scenario:
    return cbhi.scenario("rwanda").at_point().replace({}, end="2001-06", name="short")


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# the sets -----------------------------------------------------------------------------------------------


def test_a_set_is_read_by_its_number() -> None:
    sets = made()
    assert len(sets) == 3
    assert sets[1] == {"enrolment.inertia": 1.2, "observation.overcount_share": 0.1}
    assert list(sets) == [sets[0], sets[1], sets[2]]
    assert sets.to_frame().loc[2, "enrolment.inertia"] == 1.4
    assert sets.quantiles("enrolment.inertia", (0.0, 0.5, 1.0)) == [1.0, 1.2, 1.4]
    assert len(sets.first(2)) == 2
    with pytest.raises(IndexError):
        sets[3]
    with pytest.raises(ValueError, match="number must be a whole number from 1 to 3"):
        sets.first(4)


def test_nobody_writes_into_sets() -> None:
    given_values = np.array(VALUES)
    sets = cbhi.ParameterSets(KEYS, given_values)
    given_values[0, 0] = 99.0
    assert sets.values[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        sets.values[0, 0] = 2.0


@given(
    values=st.lists(
        st.tuples(st.floats(0.0, 5.0, allow_subnormal=False), st.floats(0.0, 0.3)), min_size=1, max_size=8
    )
)
@quick
def test_a_file_gives_back_every_bit(values: list[tuple[float, float]], tmp_path_factory: Any) -> None:
    sets = cbhi.ParameterSets(KEYS, np.array(values), ABOUT)
    path = sets.write(tmp_path_factory.mktemp("sets") / "mine.csv")
    again = cbhi.ParameterSets.read(path)
    assert again == sets
    assert np.array_equal(again.values, sets.values)
    assert dict(again.about) == ABOUT
    assert again.origin == sets.origin


def test_what_is_said_of_them_is_read_back_whatever_it_is_called(tmp_path: Path) -> None:
    said = {"origin": "a survey of 2005", "made by": "hand", "n\u00e4me": "x", "a.b": "1"}
    sets = cbhi.ParameterSets(("enrolment.inertia",), np.array([[1.0], [2.0]]), about=said)
    again = cbhi.ParameterSets.read(sets.write(tmp_path / "sets.csv"))
    assert dict(again.about) == said
    assert again == sets


def test_an_origin_that_somebody_wrote_is_no_identity(tmp_path: Path) -> None:
    files = []
    for name, value in (("a", 1.0), ("b", 1.5)):
        files.append(tmp_path / f"{name}.csv")
        files[-1].write_text(f'# origin = "survey 2005"\nenrolment.inertia\n{value}\n')
    one, other = (cbhi.ParameterSets.read(file) for file in files)
    assert one.origin != other.origin
    assert one != other
    files[0].write_text('# origin_fingerprint = "survey 2005"\nenrolment.inertia\n1.0\n')
    with pytest.raises(ValueError, match="must be 16 of 0 to 9 and a to f"):
        cbhi.ParameterSets.read(files[0])


def test_sets_without_a_key_keep_their_origin_in_a_file(tmp_path: Path) -> None:
    fewer = made().without(["enrolment.inertia", "care.seek_price"])
    again = cbhi.ParameterSets.read(fewer.write(tmp_path / "fewer.csv"))
    assert fewer.keys == ("observation.overcount_share",)
    assert again.origin == fewer.origin == made().origin
    assert again == fewer != made()
    assert made().without(["care.seek_price"]) == made()
    assert not list(tmp_path.glob(".writing*"))


def test_sets_survive_pickling_and_plain_values() -> None:
    sets = made().without(["enrolment.inertia"])
    assert pickle.loads(pickle.dumps(sets)) == sets
    assert cbhi.ParameterSets.from_dict(sets.as_dict()) == sets
    none_left = made().without(KEYS)
    assert cbhi.ParameterSets.from_dict(none_left.as_dict()) == none_left
    with pytest.raises(ValueError, match="cannot be read"):
        cbhi.ParameterSets.from_dict({"keys": []})


def test_equal_sets_are_told_by_their_values() -> None:
    assert made() == cbhi.ParameterSets(KEYS, np.array(VALUES))
    assert hash(made()) == hash(cbhi.ParameterSets(KEYS, np.array(VALUES)))
    assert made() != made(2)
    assert made().fingerprint() != cbhi.ParameterSets(KEYS[::-1], np.array(VALUES)[:, ::-1]).fingerprint()


def test_two_replicates_in_a_row_share_a_set() -> None:
    assert [made().of_replicate(r) for r in range(8)] == [0, 0, 1, 1, 2, 2, 0, 0]


@pytest.mark.parametrize(
    ("keys", "values", "said"),
    [
        (
            ("enrolment.inertai",),
            [[1.0]],
            "'enrolment.inertai'; did you mean 'enrolment.inertia'",
        ),
        (("enrolment.inertia",) * 2, [[1.0, 1.0]], "'enrolment.inertia' is there twice"),
        (("switches.groups",), [[1.0]], "'switches.groups' is no real number"),
        (("population.sections",), [[400.0]], "'population.sections' is no real number"),
        (("population.household_size",), [[5.0]], "decides how many real people a simulated one stands for"),
        (KEYS, [[1.0, 0.05], [1.0, 7.0]], r"set 1: observation.overcount_share = 7 is outside 0 to"),
        (KEYS, [[float("nan"), 0.05]], "set 0: enrolment.inertia must be a finite number"),
        (KEYS, [[1.0]], r"values have the shape \(1, 1\), not \(sets, 2 keys\)"),
        (KEYS, np.zeros((0, 2)), "there are 0 sets; from 1 to 100,000"),
    ],
)
def test_what_sets_cannot_hold(keys: tuple[str, ...], values: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        cbhi.ParameterSets(keys, np.array(values))


def test_a_confidence_is_one_of_the_words_for_it() -> None:
    with pytest.raises(ValueError, match=r"confidence must be one of .*did you mean 'fitted'"):
        cbhi.ParameterSets(KEYS, np.array(VALUES), {"confidence": "fited"})


def test_a_file_tells_all_its_mistakes_with_line_and_column(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        '# source = "x"\n# oops = = 3\nenrolment.inertia,observation.overcount_share\n1.0\n1.0,a lot\n',
        "bad.csv",
    )
    with pytest.raises(ValueError, match=r"bad\.csv") as caught:
        cbhi.ParameterSets.read(path)
    lines = str(caught.value).split("\n")
    assert lines[0].startswith("bad.csv:2: not TOML")
    assert lines[1] == "bad.csv:4: 1 values for 2 keys"
    assert lines[2] == "bad.csv:5: column 2: observation.overcount_share must be a number, got 'a lot'"


def test_a_file_tells_where_a_value_is_out_of_range(tmp_path: Path) -> None:
    path = written(tmp_path, "enrolment.inertia,observation.overcount_share\n1,0.1\n1,12\n", "bad.csv")
    with pytest.raises(
        ValueError, match=r"bad\.csv:3: column 2: observation.overcount_share = 12 is outside"
    ):
        cbhi.ParameterSets.read(path)


@pytest.mark.parametrize("text", ["", "enrolment.inertia\n", '# source = "x"\n'])
def test_a_file_without_sets_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="there are no sets"):
        cbhi.ParameterSets.read(written(tmp_path, text, "empty.csv"))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="not a UTF-8 text"):
        cbhi.ParameterSets.read(tmp_path / "odd.csv")


# scenarios ----------------------------------------------------------------------------------------------


def test_a_scenario_of_a_set_is_the_scenario_with_its_values() -> None:
    carrying = short().with_sets(made())
    for number in range(3):
        own, given_values = carrying.of_set(number), short().replace(made()[number])
        assert own.fingerprint() == given_values.fingerprint()
        assert own.name == "short"
        assert own.sets is None
    assert carrying.of_replicate(5) == carrying.of_set(2)
    assert carrying.at_point() == short()
    assert short().of_replicate(5) == short()
    assert "3 parameter sets" in repr(carrying)


def test_sets_are_part_of_what_decides_the_result() -> None:
    one, other = short().with_sets(made()), short().with_sets(made(2))
    assert len({one.fingerprint(), other.fingerprint(), short().fingerprint()}) == 3
    assert one.with_sets(None).fingerprint() == short().fingerprint()


def test_a_key_given_afterwards_overrides_the_sets() -> None:
    changed = short().with_sets(made()).replace({"enrolment.inertia": 0.5, "care.seek_price": 2.0})
    assert changed.sets is not None
    assert changed.sets.keys == ("observation.overcount_share",)
    assert changed.sets.origin == made().origin
    assert all(changed.of_set(i).values["enrolment.inertia"] == 0.5 for i in range(3))
    assert changed.is_uncertain
    assert not changed.replace({"observation.overcount_share": 0.1}).is_uncertain


def test_events_before_the_sets_make_way_and_those_after_stay() -> None:
    key = "enrolment.inertia"
    before = short().add_event("2000-01", {key: 0.1, "care.seek_price": 2.0})
    carrying = before.with_sets(made()).add_event("2001-01", {key: 0.2})
    told = [[p.enrolment.inertia for _, p in carrying.of_set(i).regimes()] for i in range(3)]
    assert [values[0] for values in told] == [1.0, 1.2, 1.4]
    assert [values[-1] for values in told] == [0.2] * 3
    assert any("care.seek_price" in event.changes for event in carrying.events)


def test_the_sets_say_where_their_keys_come_from() -> None:
    key = "enrolment.inertia"
    carrying = short().with_sets(made())
    assert carrying.source_of(key) == ("made up, for a test", "assumption")
    told = {row["key"]: (row["source"], row["confidence"]) for row in carrying.provenance()}
    assert told[key] == carrying.source_of(key)
    assert told["care.seek_price"] == short().source_of("care.seek_price")
    assert carrying.at_point().source_of(key) == short().source_of(key)
    assert carrying.replace({key: 1.0}).source_of(key) == ("given by the user", "assumption")


def test_a_set_that_contradicts_the_other_values_is_refused_by_its_number() -> None:
    carrying = short().with_sets(made())
    with pytest.raises(ValueError, match="numbered from 0 to 2, got 3"):
        carrying.of_set(3)
    with pytest.raises(ValueError, match="carries no parameter sets"):
        short().of_set(0)
    with pytest.raises(ValueError, match=r"cbhi\.ParameterSets are wanted"):
        short().with_sets([{"enrolment.inertia": 1.0}])  # type: ignore[arg-type]


def test_a_scenario_with_sets_survives_pickling_and_plain_values() -> None:
    carrying = short().with_sets(made()).replace({"enrolment.inertia": 1.0}, name="again")
    assert pickle.loads(pickle.dumps(carrying)) == carrying
    again = scenario_from_plain(scenario_to_plain(carrying))
    assert again == carrying
    assert again.fingerprint() == carrying.fingerprint()


# files of scenarios -------------------------------------------------------------------------------------


def test_a_file_names_its_sets_and_others_inherit_them(tmp_path: Path) -> None:
    made().write(tmp_path / "sets.csv")
    written(tmp_path, 'base = "rwanda"\nparameter_sets = "sets.csv"\n[enrolment]\ninertia = 0.3\n', "a.toml")
    own = cbhi.scenario(tmp_path / "a.toml")
    assert own.sets == made()
    assert own.values["enrolment.inertia"] == 0.3
    assert own.of_set(1).values["enrolment.inertia"] == 1.2
    written(tmp_path, 'base = "a.toml"\n[enrolment]\ninertia = 0.4\n', "b.toml")
    over = cbhi.scenario(tmp_path / "b.toml")
    assert over.sets is not None
    assert over.sets.keys == ("observation.overcount_share",)
    assert over.of_set(1).values["enrolment.inertia"] == 0.4
    written(tmp_path, 'base = "a.toml"\nparameter_sets = "none"\n', "c.toml")
    assert cbhi.scenario(tmp_path / "c.toml").sets is None


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('parameter_sets = "gone.csv"', r"mine.toml:2: parameter_sets: the file '.*gone.csv' cannot be read"),
        ("parameter_sets = 3", "mine.toml:2: 'parameter_sets' must be a text in quotes, got 3"),
        ('parameter_set = "sets.csv"', "unknown key 'parameter_set'; did you mean 'parameter_sets'"),
        ('parameter_sets = "bad.csv"', r"mine.toml:2: parameter_sets: bad.csv:2: column 1: .* outside"),
    ],
)
def test_a_file_says_what_is_wrong_with_its_sets(tmp_path: Path, line: str, said: str) -> None:
    made().write(tmp_path / "sets.csv")
    written(tmp_path, "observation.overcount_share\n12\n", "bad.csv")
    with pytest.raises(cbhi.ScenarioError, match=said):
        cbhi.scenario(written(tmp_path, f'base = "rwanda"\n{line}\n'))


def test_commands_about_scenarios_know_sets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made().write(tmp_path / "sets.csv")
    mine = str(written(tmp_path, 'base = "rwanda-rules"\nparameter_sets = "sets.csv"\n'))

    def said(*words: str) -> str:
        main(list(words), standalone_mode=False)
        return capsys.readouterr().out

    assert "3 parameter sets of 2 parameters" in said("check", mine)
    assert "parameter_sets" in said("diff", "rwanda-rules", mine)
    assert "3 of 2 keys" in said("diff", "rwanda-rules", mine)
    assert "3: median 1.2, 5-95 % 1.02 to 1.38" in said("show", "enrolment.inertia", mine)
    assert "parameter_sets" in scenario_schema()["properties"]


def test_other_sets_of_one_size_are_a_difference() -> None:
    other = cbhi.ParameterSets(KEYS, np.array(VALUES) * 1.01)
    found = differences(short().with_sets(made()), short().with_sets(other))
    assert [(d.key, d.values) for d in found] == [("parameter_sets", ("3 of 2 keys", "3 of 2 keys, others"))]
