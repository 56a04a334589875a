"""Pairs of a reader as slices for the generator, in the range that its bundle will be given and will answer."""

from __future__ import annotations

import numpy as np
from PIL import Image

from engines.training.order import Order
from engines.training.paired_slices import PairedSlices
from engines.training.readers import read_pairs
from engines.training.readers.cases import PairCase
from engines.training.readers.volume_file import voxels_of
from engines.training.sources import folder_of
from inference.steps import normalise
from inference.steps.slices import require_axial, slice_grid
from inference.volume import Channel, Floats, Volume

Planes = tuple[Floats, Floats]
"""Source and target, [n, rows, columns] in [-1, 1]."""


def paired_slices(order: Order) -> PairedSlices:
    """All slices of the cases to learn from.

    Flat pictures are read as black -1 and white 1: the recipe's window says what they mean.
    """
    spec = order.recipe.data
    cases = read_pairs(folder_of(spec, order.data), spec).train
    planes = [_flat(case, order) if case.geometry is None else _volumes(case, order) for case in cases]
    source, target = (np.concatenate([pair[n] for pair in planes]).astype(np.float16) for n in (0, 1))
    return PairedSlices(source, target)


def _flat(case: PairCase, order: Order) -> Planes:
    rows, columns = order.recipe.manifest["sampling"]["size"]
    planes = []
    for file in (case.source, case.target):
        with Image.open(file) as image:
            grey = image.convert("L").resize((columns, rows), Image.Resampling.BOX)
        planes.append(normalise.window(np.asarray(grey, dtype=np.float32), 0.0, 255.0)[None])
    return planes[0], planes[1]


def _volumes(case: PairCase, order: Order) -> Planes:
    """Axial slices on the generator's field of view, as the road picks them."""
    assert case.geometry is not None
    require_axial(case.geometry)
    manifest = order.recipe.manifest
    (rows, columns), (down, across) = manifest["sampling"]["size"], manifest["sampling"]["spacing_mm"]
    channel, output = manifest["channels"][0], manifest["output"]
    source = Volume(voxels_of(case.source), case.geometry, Channel(channel["name"]))
    grid = slice_grid(source, (rows, columns), (down, across))
    ends = ((source.voxels, channel["low"], channel["high"]), (voxels_of(case.target), output["low"], output["high"]))
    given, made = (
        np.stack([normalise.window(grid.pick(values, k, low), low, high) for k in grid.slices])
        for values, low, high in ends
    )
    return given, made
