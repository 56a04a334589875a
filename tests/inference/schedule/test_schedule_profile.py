"""Profiles, contention tables and trtexec's files: what is read, and how each damage is said in one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import InputRefused
from inference.schedule import contention, trtexec
from inference.schedule.cores import with_cores
from inference.schedule.profile import Layer, Profile, ProfileInvalid, from_document, read, to_document, write

times = st.floats(0, 1e6, allow_nan=False)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    devices = tuple(
        draw(st.lists(st.sampled_from(["gpu", "dla", "cpu0", "cpu1"]), min_size=1, max_size=3, unique=True))
    )

    def layer(number: int) -> Layer:
        legal = {d: draw(st.booleans()) for d in devices[1:]} | {devices[0]: True}
        tables = [{d: draw(times) for d in devices} for _ in range(3)]
        counts = st.none() | st.integers(0, 1 << 40)
        return Layer(f"layer {number}", tables[0], tables[1], tables[2], legal, draw(counts), draw(counts))

    return Profile("a model", devices, tuple(layer(n) for n in range(draw(st.integers(1, 4)))))


@given(profiles())
def test_what_is_written_is_read_again(profile: Profile) -> None:
    assert from_document(json.loads(json.dumps(to_document(profile)))) == profile


def test_a_file_is_whole_or_not_there(tmp_path: Path, plain: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.json"
    write(plain("a", (1, 2)), path)
    before = path.read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", full)
        with pytest.raises(OSError, match="No space"):
            write(plain("b", (3, 4)), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["p.json"]
    assert read(path) == plain("a", (1, 2))


Damage = Callable[[dict[str, Any]], None]
DAMAGES: dict[str, Damage] = {
    "lacks layers": lambda d: d.pop("layers"),
    "unknown field colour": lambda d: d.update(colour="red"),
    "has no layers": lambda d: d.update(layers=[]),
    "needs devices, each once": lambda d: d.update(devices=["gpu", "gpu"]),
    "must be a list of names": lambda d: d.update(devices="gpu"),
    "has no model name": lambda d: d.update(model="  "),
    "model must be a name": lambda d: d.update(model=7),
    "lacks ms": lambda d: d["layers"][0].pop("ms"),
    "unknown field speed": lambda d: d["layers"][0].update(speed=1),
    "one value for each of gpu, dla": lambda d: d["layers"][0]["ms"].pop("dla"),
    "one value per device": lambda d: d["layers"][0].update(ms=3),
    "numbers from 0": lambda d: d["layers"][0]["ms"].update(dla=-1),
    "must hold numbers": lambda d: d["layers"][0]["transition_ms"].update(dla="0.1"),
    "bandwidth_gbps must hold": lambda d: d["layers"][0]["bandwidth_gbps"].update(gpu=float("inf")),
    "legal must be true or false": lambda d: d["layers"][0]["legal"].update(gpu=1),
    "may run on no device": lambda d: d["layers"][0].update(legal={"gpu": False, "dla": False}),
    "bytes must be a whole number": lambda d: d["layers"][0].update(live_bytes=1.5),
    "must have a name": lambda d: d["layers"][0].update(name=None),
    "must be a JSON object": lambda d: d.update(layers=[3]),
}


@pytest.mark.parametrize("sentence", DAMAGES)
def test_each_damage_is_one_sentence(sentence: str, plain: Any) -> None:
    document = to_document(plain("a", (1, 2), (3, 4)))
    DAMAGES[sentence](document)
    with pytest.raises(ProfileInvalid, match=sentence) as caught:
        from_document(document)
    assert caught.value.message.count(".") == caught.value.message.endswith(".")
    assert caught.value.hint.endswith(".")
    assert isinstance(caught.value, InputRefused)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(ProfileInvalid, match=r"gone\.json cannot be read"):
        read(tmp_path / "gone.json")
    (tmp_path / "broken.json").write_bytes(b'{"model": \xff')
    with pytest.raises(ProfileInvalid, match="is not JSON"):
        read(tmp_path / "broken.json")


def test_memory_is_known_only_when_all_of_it_is(plain: Any) -> None:
    profile = plain("a", (1, 2), (1, 2))
    assert profile.memory_bytes is None
    layers = tuple(replace(layer, memory_bytes=5) for layer in profile.layers)
    assert replace(profile, layers=layers).memory_bytes == 10


def test_two_cores_are_as_fast_as_the_one_that_was_measured(plain: Any) -> None:
    profile = with_cores(plain("a", (1, 2)), 2)
    assert profile.devices == ("gpu", "dla0", "dla1")
    assert dict(profile.layers[0].ms) == {"gpu": 1, "dla0": 2, "dla1": 2}
    assert with_cores(plain("a", (1, 2)), 1) == plain("a", (1, 2))


# --- contention ---------------------------------------------------------------------------------------------------

TABLE = "device,own_gbps,other_gbps,slowdown\ngpu,0,0,1\ngpu,0,100,1.2\ngpu,50,0,1\ngpu,50,100,2\n"


def test_a_table_is_linear_between_its_knots_and_flat_beyond(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    table = contention.read(tmp_path / "t.csv")
    assert table.slowdown("gpu", 0, 50) == pytest.approx(1.1)
    assert table.slowdown("gpu", 25, 100) == pytest.approx(1.6)
    assert table.slowdown("gpu", 25, 50) == pytest.approx(1.3)
    assert table.slowdown("gpu", 500, 500) == pytest.approx(2)
    assert table.slowdown("gpu", 50, 0) == 1
    assert table.slowdown("dla", 50, 100) == 1


def test_json_says_the_same(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(TABLE)
    rows = [dict(zip(TABLE.split("\n")[0].split(","), line.split(","), strict=True)) for line in TABLE.split()[1:]]
    (tmp_path / "t.json").write_text(json.dumps(rows))
    assert contention.read(tmp_path / "t.json") == contention.read(tmp_path / "t.csv")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TABLE.replace("gpu,0,100,1.2\n", ""), "no full grid for gpu"),
        (TABLE + "gpu,0,0,1\n", "no full grid for gpu"),
        (TABLE.replace("1.2", "0.5"), "slowdown below 1"),
        (TABLE.replace("50", "-5"), "impossible demand"),
        (TABLE.replace("1.2", "fast"), "no table of numbers"),
        (TABLE.replace("slowdown", "factor"), "no table of numbers"),
    ],
)
def test_a_damaged_table_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(contention.ContentionInvalid, match=sentence):
        contention.read(tmp_path / "t.csv")


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(contention.ContentionInvalid, match="cannot be read"):
        contention.read(tmp_path / "t.csv")
    (tmp_path / "t.json").write_text('{"device": "gpu"}')
    with pytest.raises(contention.ContentionInvalid, match="no table"):
        contention.read(tmp_path / "t.json")


# --- trtexec: files written here in the documented form -----------------------------------------------------------


def exported(path: Path, *layers: tuple[str, float], median: bool = True) -> Path:
    """As `--exportProfile` writes it."""
    total = sum(ms for _, ms in layers) or 1.0
    entries: list[dict[str, Any]] = [{"count": 100}]
    for name, ms in layers:
        entry = {
            "name": name,
            "timeMs": 100 * ms,
            "averageMs": 1.1 * ms if median else ms,
            "percentage": 100 * ms / total,
        }
        entries.append(entry | ({"medianMs": ms} if median else {}))
    path.write_text(json.dumps(entries))
    return path


def timed(path: Path, *compute: float, old: bool = False) -> Path:
    """As `--exportTimes` writes it, in newer or older versions."""
    copies = ("inMs", "outMs") if old else ("h2dMs", "d2hMs")
    runs = [
        {
            "startComputeMs": 1.0,
            "endComputeMs": 1 + ms,
            "computeMs": ms,
            copies[0]: 0.1,
            copies[1]: 0.1,
            "latencyMs": ms,
        }
        for ms in compute
    ]
    path.write_text(json.dumps(runs))
    return path


@pytest.mark.parametrize("median", [True, False])
def test_layers_take_their_median_or_else_their_average(median: bool, tmp_path: Path) -> None:
    path = exported(tmp_path / "g.json", ("conv1 + relu1", 0.5), ("pool", 0.1), median=median)
    found = trtexec.read_layers(path)
    assert [(layer.name, layer.ms) for layer in found] == [("conv1 + relu1", 0.5), ("pool", 0.1)]


@pytest.mark.parametrize("old", [True, False])
def test_an_engine_takes_the_median_of_its_runs(old: bool, tmp_path: Path) -> None:
    assert trtexec.read_compute_ms(timed(tmp_path / "t.json", 3.0, 1.0, 2.0, old=old)) == 2.0


def test_a_subgraph_is_one_group_and_the_rest_fell_back(tmp_path: Path) -> None:
    gpu = exported(tmp_path / "g.json", ("a + ra", 1), ("b", 2), ("c", 3), ("d", 4))
    dla = exported(tmp_path / "d.json", ("{ForeignNode[b...c]}", 7), ("a + ra", 1), ("d", 4), ("reformat", 0.1))
    found = trtexec.read_named(f"net:gpu={gpu},dla={dla},dla-leave-ms=0.06")
    assert [layer.name for layer in found.layers] == ["a + ra", "b ... c", "d"]
    assert [layer.legal["dla"] for layer in found.layers] == [False, True, False]
    assert [layer.ms["gpu"] for layer in found.layers] == [1, 5, 4]
    assert found.layers[1].ms["dla"] == 7
    assert found.layers[1].transition_ms == {"gpu": 0.0, "dla": 0.06}


def test_subgraphs_that_end_elsewhere_are_told_apart_by_difference(tmp_path: Path) -> None:
    gpu = exported(tmp_path / "g.json", ("a", 1), ("b", 1), ("c", 1))
    files = [
        exported(tmp_path / f"{last}.json", (f"{{ForeignNode[a...{last}]}}", ms))
        for last, ms in (("a", 2.0), ("b", 3.5), ("c", 6.0))
    ]
    found = trtexec.read_named(f"net:gpu={gpu}," + ",".join(f"dla={file}" for file in files))
    assert [layer.ms["dla"] for layer in found.layers] == pytest.approx([2, 1.5, 2.5])
    assert all(layer.legal["dla"] for layer in found.layers)


def test_layer_times_are_stretched_to_the_undisturbed_total(tmp_path: Path) -> None:
    gpu = exported(tmp_path / "g.json", ("a", 1), ("b", 3))
    found = trtexec.read_named(f"net:gpu={gpu},gpu-times={timed(tmp_path / 't.json', 2.0)}")
    assert [layer.ms["gpu"] for layer in found.layers] == pytest.approx([0.5, 1.5])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("net", "names no files"),
        ("net:gpu", "names no files"),
        ("net:dla={dla}", "has no GPU file"),
        ("net:gpu={none}", "cannot be read"),
        ("net:gpu={text}", "is not JSON"),
        ("net:gpu={object}", "is no list"),
        ("net:gpu={empty}", "has no layers"),
        ("net:gpu={untimed}", "without a time"),
        ("net:gpu={gpu},dla={stranger}", "which the GPU's file lacks"),
        ("net:gpu={gpu},gpu-leave-ms=soon", "is not a time"),
        ("net:gpu={gpu},gpu-times={empty}", "has no runs"),
    ],
)
def test_each_damage_of_a_trtexec_file_is_said(text: str, sentence: str, tmp_path: Path) -> None:
    for name, content in {"text": "x", "object": "{}", "empty": "[]", "untimed": '[{"name": "a"}]'}.items():
        (tmp_path / name).write_text(content)
    exported(tmp_path / "gpu", ("a", 1))
    exported(tmp_path / "dla", ("{ForeignNode[a...a]}", 1))
    exported(tmp_path / "stranger", ("{ForeignNode[x...y]}", 1))
    names = ("text", "object", "empty", "untimed", "gpu", "dla", "stranger", "none")
    with pytest.raises(ProfileInvalid, match=sentence):
        trtexec.read_named(text.format(**{name: tmp_path / name for name in names}))
