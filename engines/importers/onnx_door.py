"""The process that opens a stranger's ONNX: `python -m engines.importers.onnx_door` with an order on stdin.

Parsers of a format and runtimes have had faults that a crafted file reaches; so the file is opened, judged and run for
the first time here, in a process that can do nothing else.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from engines.importers import bundle, weights_files
from engines.importers.walls import confine
from inference.errors import InsulaError

MOST_BYTES = 2_000_000_000
"""An ONNX file cannot be larger than 2 GiB, whatever it holds."""
MOST_TENSOR_BYTES = 4 << 30
KNOWN_DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft")


@dataclass(frozen=True, slots=True)
class Order:
    """What to do: judge `source` and write it to `draft` whole, or answer the pictures that lie in `draft`."""

    source: str
    draft: str
    answer: bool = False


@dataclass(frozen=True, slots=True)
class Border:
    """One input or output."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the file says of itself."""

    inputs: tuple[Border, ...]
    outputs: tuple[Border, ...]
    metadata: dict[str, str]


def judged(source: Path, draft: Path) -> Facts:
    """Write the graph, its weights in it, as `draft`/model.onnx.

    Raises:
        ValueError: One sentence, for the user.
    """
    model = _read(source)
    weights_files.bring_in(model, source.parent, MOST_BYTES)
    _require_true_sizes(model)
    _require_known_operators(model)
    inputs, outputs = _border(model)
    _require_sound(model)
    onnx.save(model, draft / bundle.MODEL)
    metadata = {p.key[:64]: p.value[:20_000] for p in model.metadata_props}
    return Facts(inputs, outputs, metadata)


def _read(source: Path) -> Any:
    size = source.stat().st_size
    if not 0 < size <= MOST_BYTES:
        raise ValueError(f"{source.name} is {size / 1e9:.1f} GB, and an ONNX file has at most 2 GB and is not empty")
    try:
        model = onnx.load(source, load_external_data=False)
    except Exception as error:  # protobuf's own exception has no public home
        raise ValueError(f"{source.name} is no ONNX file, or is cut off") from error
    if not model.graph.node or not model.graph.output:
        raise ValueError(f"{source.name} holds no graph; it is no ONNX file, or is cut off")
    return model


def _require_true_sizes(model: Any) -> None:
    for tensor in weights_files.tensors(model.graph):
        count = int(np.prod([int(d) for d in tensor.dims], dtype=object)) if tensor.dims else 1
        stored = tensor.raw_data
        width = onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize
        if (
            min(tensor.dims, default=1) < 0
            or count * width > MOST_BYTES
            or (stored and len(stored) * 2 < count * width)
        ):
            raise ValueError(
                f"The graph declares {tensor.name or 'a constant'} with {count:.3g} numbers it does not hold"
            )


def _require_known_operators(model: Any) -> None:
    own = {function.domain for function in model.functions}
    strange = sorted({n.domain for n in model.graph.node} - own - set(KNOWN_DOMAINS))
    if strange:
        raise ValueError(f"The graph needs operators of {', '.join(strange)}, which are not ONNX's own")


def _border(model: Any) -> tuple[tuple[Border, ...], tuple[Border, ...]]:
    stored = {tensor.name for tensor in model.graph.initializer}
    given = [value for value in model.graph.input if value.name not in stored]
    return tuple(map(_one, given)), tuple(map(_one, model.graph.output))


def _one(value: Any) -> Border:
    tensor = value.type.tensor_type
    shape = tuple(int(dim.dim_value) for dim in tensor.shape.dim)
    if not shape or min(shape) < 1:
        raise ValueError(
            f"{value.name} has no fixed shape in the graph; export it with fixed shapes and a batch of one"
        )
    if tensor.elem_type != onnx.TensorProto.FLOAT:
        raise ValueError(f"{value.name} is not fp32 in the graph; export it in single precision")
    return Border(value.name, shape)


def _require_sound(model: Any) -> None:
    try:
        onnx.checker.check_model(model)
        graph = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    except Exception as error:
        line = str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__
        raise ValueError(f"The graph is not sound ONNX ({line})") from error
    for value in (*graph.value_info, *graph.input, *graph.output):
        count = float(np.prod([max(1.0, float(d.dim_value)) for d in value.type.tensor_type.shape.dim]))
        if count * 4 > MOST_TENSOR_BYTES:
            raise ValueError(
                f"The graph makes {value.name} of {count * 4 / 1e9:.3g} GB, more than a machine has for it"
            )


def work(order: Order) -> dict[str, Any]:
    """Judge, or answer the pictures."""
    source, draft = Path(order.source), Path(order.draft)
    if not order.answer:
        return asdict(judged(source, draft))
    with np.load(draft / bundle.PICTURES, allow_pickle=False) as stored:
        bundle.write_vector(draft, stored["pictures"])
    return {}


def main() -> int:
    """Answer one order; a sentence on standard error and exit code 4 when it cannot be done."""
    order = Order(**json.load(sys.stdin))
    confine([Path(order.source).parent], [Path(order.draft)])
    try:
        said = work(order)
    except (ValueError, OSError, InsulaError, MemoryError) as error:
        print(getattr(error, "message", "") or str(error) or "The model needs too much memory", file=sys.stderr)
        return 4
    json.dump(said, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
