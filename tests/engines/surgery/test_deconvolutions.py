"""Deconvolutions of every kind become legal ones that answer the same, bit for bit where that is claimed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from engines.surgery.legality import Place
from engines.surgery.net import Net
from engines.surgery.rewrites.base import Crop, Exactness, Wish
from engines.surgery.rewrites.explicit_pads import EXPLICIT
from engines.surgery.rewriting import Outcome, rewritten
from engines.surgery.rules import rules
from inference.result import Precision

WISH = Wish(rules("xavier-trt8.5"))
CONFIGS = 72


def random_config(random: np.random.Generator) -> dict[str, Any]:
    """Kernel 2 to 5, stride 1 to 3, dilation 1 to 2, groups 1 to 2, asymmetric pads, output padding."""
    kernel, stride = random.integers(2, 6, 2).tolist(), random.integers(1, 4, 2).tolist()
    dilation = random.integers(1, 3, 2).tolist()
    reach = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    extra = [int(random.integers(0, s)) for s in stride]
    return {
        "kernel_shape": kernel,
        "strides": stride,
        "dilations": dilation,
        "group": int(random.integers(1, 3)),
        "pads": [int(random.integers(0, min(3, r) + 1)) for r in reach * 2],
        "output_padding": extra,
    }


def deconvolution(tiny: Any, words: dict[str, Any], random: np.random.Generator, bias: bool = True) -> onnx.ModelProto:
    groups = words.get("group", 1)
    size = words["kernel_shape"]
    weights = {"w": random.standard_normal((4, 6 // groups, *size), np.float32)}
    if bias:
        weights["b"] = random.standard_normal(6, np.float32)
    node = helper.make_node("ConvTranspose", ["x", *weights], ["y"], **words)
    return tiny([node], weights, (1, 4, 7, 6))


def done(model: onnx.ModelProto, wish: Wish = WISH) -> Outcome:
    outcome = rewritten(Net(model), wish)
    onnx.checker.check_model(outcome.model, full_check=True)
    return outcome


@pytest.mark.parametrize("crop", [Crop.SLICE, Crop.DELTA])
def test_random_deconvolutions_become_legal_without_a_change_of_any_bit(crop: Crop, tiny: Any) -> None:
    random = np.random.default_rng(19)
    changed = 0
    for number in range(CONFIGS):
        outcome = done(
            deconvolution(tiny, random_config(random), random, bias=number % 2 == 0), replace(WISH, crop=crop)
        )
        assert outcome.after.fits, number
        assert outcome.whole.most == 0.0, number
        assert outcome.model.graph.output[0].name == "y"
        changed += bool(outcome.steps)
    assert changed >= 60


@pytest.mark.parametrize("bias", [True, False])
def test_kernel_4_stride_2_needs_no_crop(bias: bool, tiny: Any) -> None:
    words = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    model = deconvolution(tiny, words, np.random.default_rng(3), bias)
    outcome = done(model, replace(WISH, crop=Crop.DEPTH_TO_SPACE))
    assert [node.op_type for node in outcome.model.graph.node] == ["Conv", "ConvTranspose"]
    assert outcome.after.fits
    assert outcome.steps[0].rewrite.exactness is Exactness.ROUNDING
    assert 0 <= outcome.whole.share < 1e-6


def test_int8_crops_with_a_kernel_and_fp16_with_a_slice(tiny: Any) -> None:
    words = {"kernel_shape": [4, 4], "strides": [2, 2], "pads": [1, 1, 1, 1]}
    model = deconvolution(tiny, words, np.random.default_rng(3))
    for precision, op in ((Precision.FP16, "Slice"), (Precision.INT8, "Conv")):
        outcome = done(model, replace(WISH, precision=precision))
        assert [node.op_type for node in outcome.model.graph.node] == ["ConvTranspose", op]
        assert outcome.after.fits


@given(
    form=st.sampled_from(("SAME_UPPER", "SAME_LOWER", "output_shape")),
    kernel=st.integers(2, 5),
    stride=st.integers(1, 3),
)
@settings(max_examples=25)
def test_automatic_padding_is_written_as_numbers(form: str, kernel: int, stride: int, tiny: Any) -> None:
    words: dict[str, Any] = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2}
    if form == "output_shape":
        words["output_shape"] = [stride * 7, stride * 6]
    else:
        words["auto_pad"] = form
    outcome = done(deconvolution(tiny, words, np.random.default_rng(kernel)))
    assert outcome.after.fits
    assert outcome.whole.most == 0.0


def test_the_padding_that_tensorflow_means_is_known(tiny: Any) -> None:
    """Its 'same' pads (1, 1) around kernel 4 and (0, 1) around kernel 3, both with stride 2."""
    for kernel, pads in ((4, [1, 1, 1, 1]), (3, [0, 0, 1, 1])):
        words = {"kernel_shape": [kernel] * 2, "strides": [2, 2], "auto_pad": "SAME_UPPER"}
        net = Net(deconvolution(tiny, words, np.random.default_rng(1)))
        assert EXPLICIT.apply(net, WISH)
        assert net.setting(net.nodes[0], "pads") == pads


def test_a_kernel_that_would_grow_beyond_32_stays(tiny: Any) -> None:
    words = {"kernel_shape": [5, 5], "dilations": [9, 9]}
    outcome = done(deconvolution(tiny, words, np.random.default_rng(1)))
    assert outcome.after.count(Place.GPU) == 1
    assert outcome.steps == ()


def test_batch_norm_behind_a_crop_goes_into_the_kernel(tiny: Any) -> None:
    random = np.random.default_rng(5)
    weights = {"w": random.standard_normal((4, 3, 4, 4), np.float32)}
    weights |= {name: random.uniform(0.5, 2, 3).astype(np.float32) for name in ("g", "s", "m", "v")}
    bounds = {"from": np.array([1, 1]), "to": np.array([-1, -1]), "axes": np.array([2, 3])}
    nodes = [
        helper.make_node("ConvTranspose", ["x", "w"], ["a"], kernel_shape=[4, 4], strides=[2, 2]),
        helper.make_node("Slice", ["a", "from", "to", "axes"], ["b"]),
        helper.make_node("BatchNormalization", ["b", "g", "s", "m", "v"], ["c"]),
        helper.make_node("Relu", ["c"], ["y"]),
    ]
    outcome = done(tiny(nodes, weights | bounds))
    assert [node.op_type for node in outcome.model.graph.node] == ["ConvTranspose", "Slice", "Relu"]
    assert outcome.whole.share < 1e-5
