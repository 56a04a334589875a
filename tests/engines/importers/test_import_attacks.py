"""Files made to harm: each is refused in a sentence, runs nothing, and leaves no half-written bundle."""

from __future__ import annotations

import json
import pickle
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import monai_bundles as bundles
import numpy as np
import onnx
import pytest
import square_finders as finders
import torch
from onnx import TensorProto, helper, numpy_helper

from engines import child
from engines.importers import weights_box
from engines.importers.nnunet_order import Order
from engines.importers.sources import import_any, kind_of
from engines.importers.wish import Wish
from inference.errors import EngineError, InputRefused

SIZE = (64, 64)
WISH = Wish(window=(0, 80), labels=finders.CLASSES)
pytestmark = pytest.mark.filterwarnings("ignore")


class Harm:
    """Does something when it is unpickled."""

    def __init__(self, call: Callable[..., object], *words: object) -> None:
        self.call, self.words = call, words

    def __reduce__(self) -> tuple[object, ...]:
        return self.call, self.words


def refused(file: Path, sentence: str, wish: Wish = WISH) -> None:
    """The import says so, and nothing but the source lies there afterwards."""
    before = sorted(file.parent.rglob("*"))
    with pytest.raises((InputRefused, EngineError), match=sentence):
        import_any(file, file.parent / "bundle", wish)
    assert sorted(file.parent.rglob("*")) == before


def detector(folder: Path, change: Callable[[onnx.ModelProto], None]) -> Path:
    file = finders.yolov8(folder / "model.onnx", SIZE)
    model = onnx.load(file)
    change(model)
    onnx.save(model, file)
    return file


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_off(share: float, tmp_path: Path, door_here: None) -> None:
    file = finders.yolov8(tmp_path / "model.onnx", SIZE)
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    refused(file, "cannot be imported")


def test_what_is_no_onnx(tmp_path: Path, door_here: None) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(pickle.dumps(Harm(Path.touch, tmp_path / "harm")))
    refused(file, "no ONNX file")
    assert not (tmp_path / "harm").exists()


def test_shapes_that_are_not_fixed(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "batch"

    refused(detector(tmp_path, change), "no fixed shape")


def test_half_precision_at_the_border(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16

    refused(detector(tmp_path, change), "not fp32")


def outside(location: str) -> Callable[[onnx.ModelProto], None]:
    """The last constant lies in a file of that name."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[-1]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", location), ("offset", "0")):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value

    return change


@pytest.mark.parametrize("location", ["../secret.bin", "/etc/passwd", "a/../../secret.bin", ""])
def test_weights_outside_the_folder(location: str, tmp_path: Path, door_here: None) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (tmp_path / "in").mkdir()
    refused(detector(tmp_path / "in", outside(location)), "outside its own folder")


def test_a_link_to_weights_outside_the_folder(tmp_path: Path, door_here: None) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "w.bin").symlink_to(tmp_path / "secret.bin")
    refused(detector(tmp_path / "in", outside("w.bin")), "outside its own folder")


def test_weights_beside_the_graph_that_are_not_all_there(tmp_path: Path, door_here: None) -> None:
    file = detector(tmp_path, outside("w.bin"))
    refused(file, "not there")
    (tmp_path / "w.bin").write_bytes(b"1")
    refused(file, "cut off")


def test_weights_beside_the_graph_are_brought_in(tmp_path: Path, door_here: None) -> None:
    file = finders.yolov8(tmp_path / "model.onnx", SIZE)
    onnx.save(onnx.load(file), file, save_as_external_data=True, location="w.bin", size_threshold=0)
    import_any(file, tmp_path / "bundle", WISH)
    inside = onnx.load(tmp_path / "bundle" / "model.onnx", load_external_data=False)
    assert not any(t.external_data for t in inside.graph.initializer)


def test_declared_terabytes(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.initializer[-1].dims[:] = [1 << 20, 1 << 20]

    refused(detector(tmp_path, change), "does not hold")


def test_terabytes_made_on_the_way(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        graph = model.graph
        graph.initializer.append(numpy_helper.from_array(np.array([1 << 21, 1 << 21], np.int64), "vast"))
        graph.node.insert(0, helper.make_node("ConstantOfShape", ["vast"], ["much"]))
        graph.node.insert(1, helper.make_node("ReduceMax", ["much"], ["little"], keepdims=0))

    refused(detector(tmp_path, change), "more than a machine has")


def test_operators_from_elsewhere(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[0].domain = "evil.ops"

    refused(detector(tmp_path, change), r"evil\.ops")


def test_a_graph_that_does_not_hold_together(tmp_path: Path, door_here: None) -> None:
    def change(model: onnx.ModelProto) -> None:
        model.graph.node[3].input[0] = "nowhere"

    refused(detector(tmp_path, change), "not sound")


# A pickle that harms, in every coat that weights come in.


def test_a_state_dict_with_code(tmp_path: Path) -> None:
    file = tmp_path / "model.pt"
    for harm in (Harm(Path.touch, tmp_path / "harm"), Harm(eval, f"open({str(tmp_path / 'harm')!r}, 'w')")):
        torch.save({"weight": harm}, file)
        with pytest.raises(ValueError, match="more than weights and plain data"):
            weights_box.opened(file, trust=False)
        file.write_bytes(pickle.dumps({"weight": harm}))
        with pytest.raises(ValueError, match="damaged or holds more"):
            weights_box.opened(file, trust=False)
    assert not (tmp_path / "harm").exists()


@pytest.mark.slow
def test_code_in_a_trusted_pickle_has_nowhere_to_go(tmp_path: Path) -> None:
    """It runs, in a process that writes nothing but in the bundle's own folder and starts no other."""
    fold = tmp_path / "model" / "fold_0"
    fold.mkdir(parents=True)
    draft = tmp_path / "draft"
    draft.mkdir()
    wanted = {"init_args": Harm(Path.touch, draft / "ran"), "network_weights": Harm(Path.touch, tmp_path / "harm")}
    torch.save(wanted, fold / "checkpoint_final.pth")
    order = Order(str(fold.parent), ("0",), "checkpoint_final.pth", 2, 1, str(draft / "model.onnx"), trust=True)
    with pytest.raises(EngineError, match="more than weights and plain data"):
        child.run("engines.importers.nnunet_convert", (), given=json.dumps(asdict(order)))
    assert (draft / "ran").exists()
    assert not (tmp_path / "harm").exists()


PRISONER = """
import json, os, socket, subprocess, sys
from pathlib import Path
from engines.importers.walls import confine
home, draft = Path(sys.argv[1]), Path(sys.argv[2])
walls = confine([home / "model"], [draft])
def tried(work):
    try:
        return str(work())
    except OSError as error:
        return type(error).__name__
print(json.dumps({
    "walls": len(walls),
    "write": tried(lambda: (home / "harm").write_text("x")),
    "write model": tried(lambda: (home / "model" / "plans.json").write_text("x")),
    "read": tried(lambda: (home / "letter").read_text()),
    "program": tried(lambda: subprocess.run(["true"])),
    "shell": tried(lambda: os.system("true") == 0),
    "fork": tried(os.fork),
    "connection": tried(socket.socket),
    "link": tried(lambda: (draft / "link").symlink_to(home / "letter")),
    "own draft": tried(lambda: (draft / "model.onnx").write_text("x")),
    "own model": tried(lambda: (home / "model" / "plans.json").read_text()),
}))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="walls are Linux's")
def test_the_walls_stand(tmp_path: Path) -> None:
    for name in ("draft", "model"):
        (tmp_path / name).mkdir()
    (tmp_path / "letter").write_text("private")
    (tmp_path / "model" / "plans.json").write_text("{}")
    said = json.loads(
        subprocess.run(
            [sys.executable, "-c", PRISONER, str(tmp_path), str(tmp_path / "draft")],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )
    if said.pop("walls") < 3:
        pytest.skip("this Linux has not all of the walls")
    assert said.pop("own draft") == "1"
    assert said.pop("own model") == "{}"
    assert said.pop("shell") == "False"
    assert set(said.values()) == {"PermissionError"}
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("target", ["os.system", "monai.networks.nets.unet.os", "subprocess.Popen", "torch.load"])
def test_a_network_from_elsewhere_is_not_made(target: str, tmp_path: Path) -> None:
    folder = bundles.write(tmp_path / "in", state=bundles.Bright(), network_def={"_target_": target})
    refused(folder, "holds its weights alone", Wish())


def test_expressions_are_never_evaluated(tmp_path: Path) -> None:
    harm = f"$__import__('pathlib').Path({str(tmp_path / 'harm')!r}).touch()"
    for own in (
        {"inferer": {**bundles.INFERER, "overlap": harm}},
        {"pixdim": harm},
        {"network_def": {**bundles.UNET, "channels": harm}},
        {"before": [{**bundles.PREPROCESSING[0], "_disabled_": harm}]},
    ):
        refused(bundles.write(tmp_path / "in", script=bundles.Bright(), **own), "comput", Wish())
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("damage", [b"", b"no zip", struct.pack("<I", 0x04034B50) * 9])
def test_torchscript_that_is_none(damage: bytes, tmp_path: Path, monai_here: None) -> None:
    folder = bundles.write(tmp_path / "in", script=bundles.Bright())
    (folder / "models" / "model.ts").write_bytes(damage or pickle.dumps(Harm(Path.touch, tmp_path / "harm")))
    refused(folder, "damaged or no TorchScript", Wish())
    assert not (tmp_path / "harm").exists()


def test_a_link_out_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("{}")
    folder = bundles.write(tmp_path / "in", script=bundles.Bright())
    (folder / "models" / "model.ts").unlink()
    (folder / "models" / "model.ts").symlink_to(tmp_path / "letter")
    refused(folder, "leads out of the model's folder", Wish())


def packed(folder: Path, file: Path, extra: Callable[[zipfile.ZipFile], None]) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as out:
        for one in sorted(folder.rglob("*.*")):
            out.write(one, f"bundle/{one.relative_to(folder)}")
        extra(out)
    return file


@pytest.mark.parametrize("name", ["../harm", "bundle/../../harm", "/harm", "..\\harm", "C:\\harm"])
def test_a_path_out_of_a_zip(name: str, tmp_path: Path) -> None:
    folder = bundles.write(tmp_path / "in", script=bundles.Bright())
    file = packed(folder, tmp_path / "bundle.zip", lambda out: out.writestr(name, "x"))
    refused(file, "leads out", Wish())


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    entry = zipfile.ZipInfo("bundle/models/link")
    entry.external_attr = 0o120777 << 16
    folder = bundles.write(tmp_path / "in", script=bundles.Bright())
    refused(packed(folder, tmp_path / "b.zip", lambda out: out.writestr(entry, "/etc")), "holds a link", Wish())


def test_a_bomb_in_a_zip(tmp_path: Path) -> None:
    folder = bundles.write(tmp_path / "in", state=bundles.Bright())

    def bomb(out: zipfile.ZipFile) -> None:
        with out.open("bundle/models/model.ts", "w") as entry:
            for _ in range(64):
                entry.write(bytes(1 << 20))

    refused(packed(folder, tmp_path / "b.zip", bomb), "unfolds to more", Wish())


def test_a_zip_that_is_cut_off(tmp_path: Path) -> None:
    folder = bundles.write(tmp_path / "in", script=bundles.Bright())
    file = packed(folder, tmp_path / "b.zip", lambda _: None)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(InputRefused, match="no model"):
        kind_of(file)


def test_configurations_without_a_bottom(tmp_path: Path) -> None:
    folder = bundles.write(tmp_path / "in", script=bundles.Bright(), pixdim="@a", a="@pixdim")
    refused(folder, "refers to itself", Wish())
    (folder / "configs" / "inference.json").write_text("[" * 100_000)
    refused(folder, "no readable configs/inference", Wish())
