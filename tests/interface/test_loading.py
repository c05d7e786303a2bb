"""A folder of results comes back as it was, or is refused with the reason."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import pickle
import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

import cbhi
from cbhi import storage
from cbhi.results import Results
from cbhi.storage import read_arrays, scenario_from_plain, scenario_to_plain, write_arrays


@pytest.fixture(scope="module")
def results() -> Results:
    changed = cbhi.scenario("rwanda").replace(
        {"care.copayment_rwf": 321, "scheme.premium_rwf": {"poorest": 7}}, end="2003-10", name="Ünï = 'x'"
    )
    changed = changed.add_event("2002-03", {"subsidy.slots_share": 0.1 + 0.2}, "why not")
    return cbhi.simulate(changed, households=300, replicates=3, seed=2**62 + 1, first_replicate=4)


@pytest.fixture(scope="module")
def saved(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results.save(tmp_path_factory.mktemp("saved"))


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("run.json", "scenario.json", "arrays.npz"):
        shutil.copy(saved / name, copy / name)
    return copy


def same(one: Results, other: Results) -> None:
    for field in dataclasses.fields(Results):
        if field.name != "arrays":
            assert getattr(one, field.name) == getattr(other, field.name), field.name
    for name in one.arrays._fields:
        a, b = getattr(one.arrays, name), getattr(other.arrays, name)
        assert (a.dtype, a.shape) == (b.dtype, b.shape), name
        assert a.tobytes() == b.tobytes(), name


def test_load_gives_back_what_was_saved(results: Results, saved: Path) -> None:
    for place in (saved, str(saved)):
        loaded = cbhi.load(place)
        same(loaded, results)
    assert loaded.scenario.fingerprint() == results.scenario.fingerprint()
    assert [event.why for event in loaded.scenario.events] == [e.why for e in results.scenario.events]
    assert_frame_equal(loaded.to_frame(), results.to_frame())
    with pytest.raises(ValueError, match="read-only"):
        loaded.arrays.flows[0, 0, 0, 0] = 1
    same(pickle.loads(pickle.dumps(loaded)), results)
    # and it can be run again, from the scenario of the file alone
    again = cbhi.simulate(
        loaded.scenario, households=loaded.households, replicates=3, seed=loaded.seed, first_replicate=4
    )
    same(again, results)


def test_loaded_results_save_as_the_same_files(saved: Path, tmp_path: Path) -> None:
    again = cbhi.load(saved).save(tmp_path)
    for path in saved.iterdir():
        assert (again / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("name", cbhi.scenario_names())
def test_every_shipped_scenario_comes_back(name: str) -> None:
    scenario = cbhi.scenario(name)
    back = scenario_from_plain(json.loads(json.dumps(scenario_to_plain(scenario))))
    assert back == scenario
    assert back.fingerprint() == scenario.fingerprint()


def refuse(folder: Path, *said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said[0])) as caught:
        cbhi.load(folder)
    assert "\n" not in str(caught.value)
    for text in said:
        assert text in str(caught.value), str(caught.value)


def change_record(folder: Path, **changes: Any) -> None:
    path = folder / "run.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    for key, value in changes.items():
        if value is None:
            del record[key]
        else:
            record[key] = value
    path.write_text(json.dumps(record), encoding="utf-8")


def sign(folder: Path) -> None:
    """Write the hashes of the files as they are now, so that only what is in them can be refused."""
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.iterdir()}
    change_record(folder, files=hashes)


def test_what_is_no_folder_of_results(tmp_path: Path) -> None:
    refuse(tmp_path / "nowhere", "there is no folder", "nowhere")
    (tmp_path / "file").write_text("x")
    refuse(tmp_path / "file", "is a file; the folder of the results is wanted")
    refuse(tmp_path, "holds no results: there is no run.json")
    (tmp_path / ".parts").mkdir()
    refuse(tmp_path, "holds no results: a run there was not finished", "--resume")
    refuse(7, "the folder of the results is wanted, got 7")  # type: ignore[arg-type]


def test_a_folder_whose_files_are_half_in_place(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was begun is finished when it is loaded, or it is said why it cannot be."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    place = folder / ".placing-x"
    (place / "before").mkdir(parents=True)
    plan = {"mark": "run.json", "new": [], "old": sorted(before)}
    (place / "plan.json").write_text(json.dumps({**plan, "new": plan["old"]}), encoding="utf-8")
    (folder / "arrays.npz").rename(place / "before" / "arrays.npz")
    for name in before:
        shutil.copy(folder / name if name != "arrays.npz" else place / "before" / name, place / name)
    (folder / "run.json").rename(place / "before" / "run.json")
    with monkeypatch.context() as patch:
        patch.setattr("cbhi.locks.lock_handle", lambda *_, **__: None)
        refuse(folder, "holds no results: they are being put in place, or a run was killed meanwhile")

    def denied(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", denied)
        with pytest.raises(PermissionError, match=r"is not complete: a run was killed .* Permission denied"):
            cbhi.load(folder)
    cbhi.load(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_other_formats_are_refused(folder: Path) -> None:
    change_record(folder, format_version=storage.FORMAT_VERSION + 1)
    refuse(folder, "written by a newer cbhi: format 2, and this version reads up to 1", "--upgrade cbhi")
    for foreign in (None, "1", 0, True):
        change_record(folder, format_version=1)
        change_record(folder, format_version=foreign)
        refuse(
            folder, "run.json' has no format_version", "another program, or by cbhi before", "run it again"
        )
        change_record(folder, format_version=1)
    (folder / "run.json").write_text("{")
    refuse(folder, "run.json' is damaged: not valid JSON")
    (folder / "run.json").write_text("[1]")
    refuse(folder, "run.json' is damaged: it holds no JSON object")


@pytest.mark.parametrize("name", ["arrays.npz", "scenario.json"])
def test_a_file_that_is_gone_or_changed(folder: Path, name: str) -> None:
    path = folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    refuse(
        folder, f"{name}' is damaged, or was changed after the run: its SHA-256 begins with", "run it again"
    )
    path.write_bytes(content[: len(content) // 2])
    refuse(folder, f"{name}' is damaged, or was changed after the run")
    path.unlink()
    refuse(folder, f"is not complete: there is no {name}")


def test_damage_is_found_without_the_hash(results: Results, tmp_path: Path) -> None:
    """Parts of a run have no record of their hashes: the file itself must show every flipped bit."""
    path = tmp_path / "a.npz"
    write_arrays(results, path)
    content = path.read_bytes()
    silent = []
    for place in range(0, len(content), max(1, len(content) // 400)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x10]) + content[place + 1 :])
        try:
            back, _ = read_arrays(path, results.scenario)
        except ValueError:
            continue
        same(back, results)  # a bit that decides nothing, such as a date in the zip
        silent.append(place)
    assert len(silent) < 20
    for length in (0, 1, 100, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=r"a\.npz' is damaged"):
            read_arrays(path, results.scenario)


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "sprung")


def test_pickles_are_refused_and_never_run(folder: Path, tmp_path: Path) -> None:
    path, sprung = folder / "arrays.npz", tmp_path / "sprung"
    with np.load(path) as arrays:
        planted = {name: arrays[name] for name in arrays.files}
    planted["flows"] = np.array([Trap(sprung)], dtype=object)
    np.savez(path, **planted)
    sign(folder)
    refuse(folder, "arrays.npz' holds pickled Python objects, which are never read")
    path.write_bytes(pickle.dumps(Trap(sprung)))
    sign(folder)
    refuse(folder, "arrays.npz' is damaged")
    assert not sprung.exists()
    pickle.loads(path.read_bytes())
    assert sprung.exists()  # the trap works, where somebody steps into it


def rewrite(folder: Path, **changes: Any) -> None:
    """Change arrays, and entries of their record given as ``record_x``; sign the result."""
    path = folder / "arrays.npz"
    with np.load(path) as arrays:
        content = {name: arrays[name] for name in arrays.files}
    record = json.loads(str(content["record"]))
    for name, value in changes.items():
        if name.startswith("record_"):
            record[name.removeprefix("record_")] = value
        elif value is None:
            del content[name]
        else:
            content[name] = value(content.get(name))
    if "record" in content:
        content["record"] = np.array(json.dumps(record))
    np.savez(path, **content)
    sign(folder)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"flows": lambda a: a[:, :-1]}, "array 'flows' has shape"),
        ({"stocks": lambda a: a[:, 1:]}, "array 'stocks' has shape"),
        ({"tallies": lambda a: a[..., :-1]}, "array 'tallies' has shape"),
        ({"gauges": lambda a: a[:2]}, "array 'gauges' has shape"),
        ({"districts": lambda a: a[:-1]}, "array 'flows' has shape"),
        ({"opening_people": lambda a: a.astype(float)}, "array 'opening_people' holds float64, not int64"),
        ({"gauges": lambda a: a.astype(int)}, "array 'gauges' holds int64, not float64"),
        ({"replicates": lambda a: a[::-1]}, "its replicates are not numbered in order"),
        ({"replicates": lambda a: a * 0}, "its replicates are not numbered in order"),
        ({"record": None}, "it does not say what its arrays belong to"),
        ({"record_format_version": 9}, "has format 9; this cbhi reads 1"),
        ({"record_fingerprint": "x"}, "belongs to another scenario: its fingerprint is x"),
        ({"record_seed": 5}, "are of two runs: seed"),
        ({"record_households": 5}, "are of two runs: households 300 and 5"),
        ({"record_weight": "much"}, "its record is not complete"),
        ({"record_periods": []}, "has shape"),
        ({"gauges": None}, "was written by another version (cbhi 0.1.0, engine"),
        ({"more": lambda _: np.zeros(3)}, "was written by another version"),
        ({"record_columns": {}}, "the columns of 'flows' are others; its tables can still be read"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else None,
)
def test_arrays_that_do_not_fit(folder: Path, changes: dict[str, Any], said: str) -> None:
    rewrite(folder, **changes)
    refuse(folder, "arrays.npz", said)


def test_periods_must_cover_the_run(folder: Path, results: Results) -> None:
    first, *rest = results.periods
    rewrite(folder, record_periods=[[first[0], first[1], first[2] - 1], *rest])
    refuse(folder, f"its reporting years do not cover the run's {results.scenario.n_months} months")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s: s["values"].update({"care.copayment_rwf": 322}), "is not the scenario of the run"),
        (lambda s: s["values"].update({"care.copayment_rwf": -1}), "care.copayment_rwf = -1 is outside"),
        (lambda s: s.update(end="2003-09"), "is not the scenario of the run: its fingerprint is"),
        (lambda s: s.pop("sources"), "cannot be read: 'sources' is missing"),
        (lambda s: s.update(events=[3]), "cannot be read: "),
        (lambda s: s.update(start="soon"), "cannot be read: 'soon' is not a month"),
    ],
)
def test_a_scenario_that_does_not_fit(folder: Path, change: Any, said: str) -> None:
    path = folder / "scenario.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")
    sign(folder)
    with pytest.raises(ValueError, match=r"scenario\.json'") as caught:
        cbhi.load(folder)
    assert said in str(caught.value)


def test_structured_tables_come_through_and_objects_do_not(tmp_path: Path) -> None:
    """What an array of records would be, should a run keep one."""
    table = np.zeros(4, dtype=[("household", "i8"), ("share", "f8"), ("member", "?")])
    table["share"] = [0.1, np.nan, -0.0, 1e300]
    np.savez_compressed(tmp_path / "t.npz", table=table)
    back = storage.read_npz(tmp_path / "t.npz")["table"]
    assert back.dtype == table.dtype
    assert back.tobytes() == table.tobytes()


def test_objects_are_not_written(results: Results, tmp_path: Path) -> None:
    bad = results.arrays._replace(districts=np.array([object()], dtype=object))
    with pytest.raises(TypeError, match="array 'districts' holds Python objects"):
        write_arrays(dataclasses.replace(results, arrays=bad), tmp_path / "x.npz")
    assert list(tmp_path.iterdir()) == []


def test_a_zip_of_something_else(folder: Path) -> None:
    with zipfile.ZipFile(folder / "arrays.npz", "w") as file:
        file.writestr("hello.txt", "world")
    sign(folder)
    refuse(folder, "arrays.npz' is damaged")


# --- going on from finished replicates ----------------------------------------------------------------


def test_finished_replicates_are_taken_over(results: Results) -> None:
    seen: list[tuple[int, int]] = []
    kept: list[int] = []
    longer = cbhi.simulate(
        dataclasses.replace(results.scenario, name="renamed"),
        households=300, replicates=6, seed=results.seed, first_replicate=2, finished=results,
        progress=lambda done, total: seen.append((done, total)),
        keep=lambda part: kept.append(int(part.arrays.replicates[0])), workers=2,
    )  # fmt: skip
    assert list(longer.arrays.replicates) == [2, 3, 4, 5, 6, 7]
    assert sorted(kept) == [2, 3, 7]
    months = results.scenario.n_months
    assert seen[0] == (3 * months, 6 * months)
    assert seen[-1] == (6 * months, 6 * months)
    straight = cbhi.simulate(
        results.scenario, households=300, replicates=6, seed=results.seed, first_replicate=2
    )
    assert longer.scenario.name == "renamed"
    same(dataclasses.replace(longer, scenario=straight.scenario), straight)
    # nothing left to do, and fewer than there are
    fewer = cbhi.simulate(
        results.scenario, households=300, replicates=2, seed=results.seed, first_replicate=5,
        finished=results, keep=lambda part: kept.append(-1),
    )  # fmt: skip
    assert list(fewer.arrays.replicates) == [5, 6]
    assert -1 not in kept
    assert fewer.arrays.flows.tobytes() == straight.arrays.flows[3:5].tobytes()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 1}, "seed 4611686018427387905, not 1"),
        ({"households": 299}, "households 300, not 299"),
        ({"scenario": "rwanda-rules"}, "the finished replicates belong to another run: scenario"),
    ],
)
def test_finished_replicates_of_another_run(results: Results, changes: dict[str, Any], said: str) -> None:
    asked: dict[str, Any] = {"scenario": results.scenario, "households": 300, "seed": results.seed, **changes}
    with pytest.raises(ValueError, match=said):
        cbhi.simulate(asked.pop("scenario"), finished=results, **asked)


@pytest.mark.parametrize("first", [-1, 2**31, 1.0, True])
def test_a_first_replicate_out_of_range(first: Any) -> None:
    with pytest.raises(ValueError, match="first_replicate"):
        cbhi.simulate("rwanda-rules", households=1, first_replicate=first)


def test_keep_that_fails_stops_the_run(results: Results) -> None:
    def full(_: Results) -> None:
        raise OSError(28, "No space left on device")

    for workers in (1, 2):
        with pytest.raises(OSError, match="No space left"):
            cbhi.simulate(results.scenario, households=50, replicates=4, workers=workers, keep=full)
