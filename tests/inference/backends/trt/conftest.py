"""The stand-ins for tests: one process in which TensorRT of a version and pycuda are installed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from engines import half, int8
from inference.result import Precision

sys.path.insert(0, str(Path(__file__).parent))

from standin import wheels
from standin.pycuda_names import Names, read
from standin.setting import installed
from standin.verbs import computed
from standin.world import World


@pytest.fixture(scope="session")
def specification(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict]:
    """A function from a version to the names and signatures of its real bindings."""
    kept: dict[str, dict] = {}

    def find(version: str) -> dict:
        if version not in kept:
            kept[version] = wheels.specification(version, tmp_path_factory.mktemp("names"))
        return kept[version]

    return find


@pytest.fixture(scope="session")
def pycuda_names() -> Names:
    return read(wheels.unpacked(wheels.PYCUDA))


@pytest.fixture
def install(
    specification: Callable[[str], dict], pycuda_names: Names, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., World]]:
    """A function that installs TensorRT of a version on a machine; leaks are looked for when the test ends."""
    monkeypatch.setenv("INSULA_CACHE", str(tmp_path / "cache"))
    with ExitStack() as stack:

        def put(version: str, world: World | None = None, as_version: str | None = None) -> World:
            made = installed(specification(version), pycuda_names, world or World(), as_version)
            return stack.enter_context(made)

        yield put


def _legal() -> onnx.ModelProto:
    """Only what a DLA runs: convolution, ReLU, pooling, deconvolution, a skip, convolution, tanh."""
    nodes = [
        helper.make_node("Conv", ["x", "first"], ["a"], name="first", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["a"], ["b"], name="relu"),
        helper.make_node("MaxPool", ["b"], ["c"], name="pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("ConvTranspose", ["c", "upward"], ["d"], name="up", strides=[2, 2]),
        helper.make_node("Concat", ["d", "b"], ["e"], name="skip", axis=1),
        helper.make_node("Conv", ["e", "last"], ["f"], name="last"),
        helper.make_node("Tanh", ["f"], ["y"], name="tanh"),
    ]
    shapes = {"first": (20, 3, 3, 3), "upward": (20, 8, 2, 2), "last": (2, 28, 1, 1)}
    random = np.random.default_rng(3)
    weights = [
        numpy_helper.from_array(random.normal(0, 0.2, shape).astype(np.float32), name) for name, shape in shapes.items()
    ]
    border = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in BORDER.items()]
    graph = helper.make_graph(nodes, "legal", border[:1], border[1:], weights)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


def _normed() -> onnx.ModelProto:
    """Legal but for its instance norm, which no DLA runs."""
    made = _legal()
    norm = helper.make_node("InstanceNormalization", ["a", "one", "zero"], ["n"], name="norm")
    made.graph.node.insert(1, norm)
    made.graph.node[2].input[0] = "n"
    made.graph.initializer.append(numpy_helper.from_array(np.ones(20, np.float32), "one"))
    made.graph.initializer.append(numpy_helper.from_array(np.zeros(20, np.float32), "zero"))
    return made


BORDER = {"x": (1, 3, 16, 20), "y": (1, 2, 16, 20)}
MAKERS = {"legal": _legal, "normed": _normed}


@dataclass(frozen=True)
class Model:
    """One network as a bundle has it: each precision's graph, an input, and the answer of ONNX Runtime in fp32."""

    graphs: dict[Precision, Path]
    feed: dict[str, np.ndarray]
    answer: np.ndarray


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Model]:
    """A function from a network's name to it."""
    kept: dict[str, Model] = {}

    def find(name: str) -> Model:
        if name not in kept:
            kept[name] = _model(MAKERS[name](), tmp_path_factory.mktemp(name))
        return kept[name]

    return find


def _model(made: onnx.ModelProto, folder: Path) -> Model:
    paths = {precision: folder / f"{precision.value}.onnx" for precision in Precision}
    onnx.save(made, paths[Precision.FP32])
    onnx.save(made, paths[Precision.BF16])
    feed = {"x": np.random.default_rng(5).standard_normal(BORDER["x"], np.float32)}
    answer = computed(made.SerializeToString(), feed)
    np.savez(folder / "vector.npz", x=feed["x"], y=answer["y"])
    half.write(paths[Precision.FP32], paths[Precision.FP16])
    int8.write(paths[Precision.FP32], folder / "vector.npz", paths[Precision.INT8])
    return Model(paths, feed, answer["y"])
