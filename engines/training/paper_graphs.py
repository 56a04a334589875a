"""The networks of the published tables as ONNX graphs without values: for counting only."""

from __future__ import annotations

import warnings
from pathlib import Path

import onnx
import torch
from torch import nn

from engines.architectures.detector import full
from engines.architectures.pix2pix import Form, Generator
from engines.training.export import OPSET

DETECTOR_SIDE = 640
PICTURE_SIDE = 256
WIDTH = 64
FORMS = {"pix2pix-original": Form.ORIGINAL, "pix2pix-crop": Form.CROP, "pix2pix-conv": Form.CONV}


def write(name: str, file: Path, width: int = WIDTH) -> None:
    """Write "pix2pix-original", "pix2pix-crop", "pix2pix-conv" or "detector".

    The graph has every weight's shape and none of its values: 200 MB that nobody would read. For the same reason the
    network is drawn without its random start.

    Args:
        width: Channels of the generator's first step.
    """
    with torch.device("meta"):
        network, shape = _network(name, width)
    network.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in network.state_dict().values():
            tensor.zero_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracing exporter is deprecated and the only one that needs no values
        torch.onnx.export(
            network.eval(),
            (torch.zeros(shape),),
            str(file),
            input_names=["input"],
            opset_version=OPSET,
            dynamo=False,
            export_params=False,
        )
    onnx.save(_hollow(onnx.load(file)), file)


def _hollow(model: onnx.ModelProto) -> onnx.ModelProto:
    """Weights that were left as inputs become weights without values."""
    graph = model.graph
    weights = [value for value in graph.input if value.name != "input"]
    for value in weights:
        dims = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        graph.initializer.append(onnx.TensorProto(name=value.name, dims=dims, data_type=onnx.TensorProto.FLOAT))
        graph.input.remove(value)
    return model


def _network(name: str, width: int) -> tuple[nn.Module, tuple[int, ...]]:
    if name == "detector":
        return full(), (1, 1, DETECTOR_SIDE, DETECTOR_SIDE)
    return Generator(inside=3, outside=3, width=width, form=FORMS[name]), (1, 3, PICTURE_SIDE, PICTURE_SIDE)
