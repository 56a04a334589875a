"""`insula engines check` and `insula engines rewrite` through the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines.surgery.rules import targets
from viewer.cli import main


@pytest.fixture
def padded(tmp_path: Path) -> Path:
    """A padded deconvolution, the layer that the plain generator fails with, and its activation."""
    weight = np.random.default_rng(1).standard_normal((2, 3, 4, 4)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ConvTranspose", ["x", "w"], ["a"], name="up", strides=[2, 2], pads=[1] * 4),
            helper.make_node("Relu", ["a"], ["y"], name="rectify"),
        ],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 2, 8, 8))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (1, 3, 16, 16))],
        [numpy_helper.from_array(weight, "w")],
    )
    file = tmp_path / "padded.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), file)
    return file


def answer(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict[str, Any]:
    assert main(["engines", *words, "--json"]) == code
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    return document


def test_check_prints_every_promised_field(padded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "check", str(padded), "--target", "orin-trt8.6")
    assert found["target"] == "orin-trt8.6"
    assert (found["dla_nodes"], found["gpu_nodes"], found["loadables"], found["fits"]) == (1, 1, 1, False)
    up, rectify = found["nodes"]
    assert {key: up[key] for key in ("name", "op", "verdict", "rule", "rewrite")} == {
        "name": "up",
        "op": "ConvTranspose",
        "verdict": "gpu",
        "rule": "deconvolution.padding",
        "rewrite": "crop",
    }
    assert "NvInfer.h of TensorRT 8.5.3" in up["source"][0]
    assert (rectify["verdict"], rectify["rule"], rectify["rewrite"]) == ("dla", "activation", None)
    assert found["after_rewrite"] == {"dla_nodes": 3, "gpu_nodes": 0, "loadables": 1, "fits": True}


def test_rewrite_makes_it_fit_and_says_how_it_was_proved(
    padded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, inputs = tmp_path / "out.onnx", tmp_path / "inputs.npz"
    np.savez(inputs, x=np.random.default_rng(3).standard_normal((2, 1, 2, 8, 8)).astype(np.float32))
    found = answer(capsys, "rewrite", str(padded), "-o", str(out), "--target", "xavier-trt8.5", "--inputs", str(inputs))
    assert found["file"] == str(out)
    assert found["proved_on"] == {"inputs": 5, "real": 2}
    (change,) = found["changes"]
    assert (change["rewrite"], change["exactness"], change["nodes"]) == ("crop", "bitwise", ["up"])
    assert change["max_abs_difference"] == found["max_abs_difference"] == 0.0
    assert (found["before"]["fits"], found["after"]["fits"]) == (False, True)
    assert answer(capsys, "check", str(out), "--target", "xavier-trt8.5")["fits"] is True


def test_people_get_tables_and_a_verdict(padded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["engines", "check", str(padded), "--target", "orin-trt8.6"]) == 0
    said = capsys.readouterr().out
    for words in ("on the DLA", "on the GPU", "deconvolution.padding", "must be 0", "Does not fit", "makes it fit"):
        assert words in said
    assert max(map(len, said.splitlines())) <= 120
    out = str(tmp_path / "out.onnx")
    assert main(["engines", "rewrite", str(padded), "-o", out, "--target", "orin-trt8.6", "--crop", "delta"]) == 0
    said = capsys.readouterr().out
    for words in ("crop", "bitwise", "Whole graph: largest difference 0", "Fits: all 3 nodes", "written to"):
        assert words in said
    assert max(map(len, said.splitlines()[:-1])) <= 120


def test_a_task_is_checked_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "check", "hemorrhage-detection", "--target", "xavier-trt8.5")["fits"] is True
    assert main(["engines", "check", "stroke-lesion", "--target", "orin-trt8.6"]) == 0
    assert "GPU only: none of its 23 convolutions" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["check", "{file}", "--target", "nano"], 3, "There is no target 'nano'"),
        (["check", "gone.onnx", "--target", "orin-trt8.6"], 3, "There is no file gone.onnx"),
        (["check", "gone", "--target", "orin-trt8.6"], 3, "There is no task 'gone'"),
        (["check", "{file}", "--target", "orin-trt8.6", "--precision", "fp32"], 3, "does not compute in fp32"),
        (["check", "{file}", "--target", "orin-trt8.6", "--precision", "fp8"], 2, "is not a precision"),
        (["check", "{file}"], 2, "--target"),
        (["check", "{file}", "--target", "orin-trt8.6", "--shape", "x=1x2x?"], 2, "is no shape"),
        (["check", "{file}", "--target", "orin-trt8.6", "--shape", "z=1x2x8x8"], 3, "has no input z of 4 axes"),
        (["rewrite", "{file}", "-o", "{file}", "--target", "orin-trt8.6"], 2, "would replace the one"),
        (["rewrite", "{file}", "-o", "x.onnx", "--target", "orin-trt8.6", "--crop", "cut"], 2, "is no such choice"),
        (["rewrite", "{file}", "-o", "/dev/null/x.onnx", "--target", "orin-trt8.6"], 3, "cannot be written"),
        (["rewrite", "{file}", "-o", "x.onnx", "--target", "orin-trt8.6", "--inputs", "no.npz"], 3, "cannot be read"),
    ],
)
def test_wrong_words_and_files_end_with_a_sentence(
    words: list[str], code: int, sentence: str, padded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = answer(capsys, *(word.format(file=padded) for word in words), code=code)
    assert sentence in found["error"]["message"]
    assert found["error"]["hint"]
    assert not Path("x.onnx").exists()


def test_open_axes_are_refused_with_the_input_s_name_and_may_be_given(
    padded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = onnx.load(padded)
    for value in (model.graph.input[0], model.graph.output[0]):
        for axis, name in ((0, "batch"), (2, "rows")):
            value.type.tensor_type.shape.dim[axis].dim_param = name
    onnx.save(model, padded)
    words = ("rewrite", str(padded), "-o", str(padded.with_name("out.onnx")), "--target", "orin-trt8.6")
    error = answer(capsys, *words, code=3)["error"]
    assert error["message"] == "The input x of padded.onnx has no fixed shape (batch x 2 x rows x 8)."
    assert "--shape" in error["hint"]
    assert answer(capsys, *words, "--shape", "x=1x2x6x8")["after"]["fits"] is True
    (out,) = onnx.load(padded.with_name("out.onnx")).graph.output
    assert [dim.dim_value for dim in out.type.tensor_type.shape.dim] == [1, 3, 12, 16]


def test_help_names_every_target(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["engines", "check", "--help"])
    said = capsys.readouterr().out
    assert all(target in said for target in targets())


def test_an_unknown_target_lists_the_known_ones(padded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hint = answer(capsys, "check", str(padded), "--target", "nano", code=3)["error"]["hint"]
    assert all(target in hint for target in targets())
