"""Weights that an ONNX graph keeps in files beside it: read only from its own folder, and only what is there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnx.external_data_helper import load_external_data_for_tensor, uses_external_data


def bring_in(model: Any, folder: Path, most: int) -> None:
    """Move every outside tensor into the model.

    Raises:
        ValueError: A file lies elsewhere, is absent or too short, or all together are more than `most` bytes.
    """
    outside = [tensor for tensor in tensors(model.graph) if uses_external_data(tensor)]
    total = sum(_bytes(tensor) for tensor in outside)
    if total > most:
        raise ValueError(f"The weights beside the graph are {total / 1e9:.1f} GB, too large for one ONNX file")
    for tensor in outside:
        _require_own(tensor, folder)
        load_external_data_for_tensor(tensor, str(folder))
        tensor.data_location = onnx.TensorProto.DEFAULT
        del tensor.external_data[:]


def tensors(graph: Any) -> Iterator[Any]:
    """Every stored tensor of a graph and of the graphs inside its nodes."""
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    for node in graph.node:
        for attribute in node.attribute:
            yield from ([attribute.t] if attribute.HasField("t") else ())
            yield from attribute.tensors
            for inner in ([attribute.g] if attribute.HasField("g") else []) + list(attribute.graphs):
                yield from tensors(inner)


def _require_own(tensor: Any, folder: Path) -> None:
    said = {entry.key: entry.value for entry in tensor.external_data}
    location = said.get("location", "")
    file = folder / location
    if not location or Path(location).is_absolute() or not _inside(file, folder):
        raise ValueError(f"The graph keeps weights outside its own folder ({location or 'nowhere'})")
    if not file.is_file():
        raise ValueError(f"The graph keeps weights in {location}, which is not there")
    end = int(said.get("offset", 0)) + int(said.get("length", _bytes(tensor)))
    if end > file.stat().st_size:
        raise ValueError(f"The graph keeps more weights in {location} than it holds; it is cut off")


def _inside(file: Path, folder: Path) -> bool:
    """Whether the file lies there when every link has been followed."""
    return file.resolve().is_relative_to(folder.resolve())


def _bytes(tensor: Any) -> int:
    count = 1
    for side in tensor.dims:
        count *= int(side)
    return count * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
