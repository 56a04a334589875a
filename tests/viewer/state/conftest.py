"""A small study with everything in it: a CT, a DWI on another grid, a synthetic MRI, boxes, masks in two precisions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.result import Box, Finding, Kind, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Channel, Geometry, Mask, Volume
from viewer.state.catalogue import Catalogue
from viewer.study import GeometryState, Patient, Series, SeriesKind, SetAside, Study

FRAME = "1.2.3"


def provenance(task: str, precision: Precision) -> Provenance:
    kind = PrecisionKind.EMULATED if precision is Precision.FP16 else PrecisionKind.NATIVE
    return Provenance(task, "1.2", "00", "openvino", "2026.1", "CPU", precision, kind, f"note {precision.value}")


def series(uid: str, channel: Channel, geometry: Geometry, window: tuple[float, float] | None = None) -> Series:
    modality = "CT" if channel is Channel.CT else "MR"
    return Series(
        uid, modality, f"{channel.value} head", SeriesKind.VOLUME, (), geometry.shape[0],
        acquired_shape=geometry.shape, grid=geometry, channel=channel, window=window,
    )  # fmt: skip


@pytest.fixture
def ct() -> Volume:
    geometry = Geometry.from_axes((10, 32, 32), (4.0, 4.0, 5.0), (-62.0, -62.0, 0.0), frame_of_reference=FRAME)
    values = np.random.default_rng(1).normal(35.0, 8.0, geometry.shape).astype(np.float32)
    values[:, :4] = -1000.0
    return Volume(values, geometry, Channel.CT, "HU", "CT head")


@pytest.fixture
def dwi() -> Volume:
    geometry = Geometry.from_axes((20, 40, 40), (3.0, 3.0, 2.5), (-58.5, -58.5, 0.0), frame_of_reference=FRAME)
    values = np.random.default_rng(2).uniform(100.0, 900.0, geometry.shape).astype(np.float32)
    return Volume(values, geometry, Channel.DWI, "", "DWI b1000")


@pytest.fixture
def masks(dwi: Volume) -> tuple[Mask, Mask]:
    a = np.zeros(dwi.geometry.shape, dtype=np.uint8)
    a[8:12, 10:14, 10:14] = 1
    a[2, 2, 2] = 1
    b = np.zeros_like(a)
    b[8:12, 10:14, 11:15] = 1
    return Mask(a, dwi.geometry, {1: "ischaemic"}), Mask(b, dwi.geometry, {1: "ischaemic"})


@pytest.fixture
def study(ct: Volume, dwi: Volume) -> Study:
    corrected = Series(
        "ct", "CT", "CT head 5 mm", SeriesKind.VOLUME, (), 10, acquired_shape=(10, 32, 32), channel=Channel.CT,
        state=GeometryState.CORRECTED, reasons=("The gantry tilt of 18.5 degrees was taken out.",),
    )  # fmt: skip
    localizer = Series("loc", "CT", "Topogram", SeriesKind.LOCALIZER, (), 1)
    return Study(
        Path("study"), 34, (series("dwi", Channel.DWI, dwi.geometry), corrected, localizer),
        (SetAside(Path("a.txt"), "no image"),) * 3, Patient("PHANTOM^SEVEN", "P-77", "M", "64 y"), "Head", "20261120",
    )  # fmt: skip


@pytest.fixture
def catalogue(study: Study, ct: Volume, dwi: Volume, masks: tuple[Mask, Mask]) -> Catalogue:
    fp32, fp16 = Precision.FP32, Precision.FP16
    synthetic = [
        Volume(ct.voxels * factor + 1200.0, ct.geometry, Channel.T2, "", "", synthetic=True) for factor in (1.0, 1.01)
    ]
    lesion = Finding("ischaemic", 1.44, (-24.0, -24.0, 23.75), ((-30.0, -30.0, 20.0), (-18.0, -18.0, 28.0)), 0.94, "R")
    boxed = Finding("IPH", None, (0.0, 0.0, 20.0), ((-10.0, -10.0, 15.0), (10.0, 10.0, 25.0)), 0.81, "M")
    boxes = (Box("IPH", 0.81, 4, 10, 10, 14, 15), Box("SAH", 0.5, 5, 2, 2, 4, 4))
    results = {
        (name, precision): Result(
            name, kind, findings, provenance(name, precision), Seconds(infer=seconds),
            volume=made if isinstance(made, Volume) else None,
            boxes=made if isinstance(made, tuple) else (),
            mask=made if isinstance(made, Mask) else None,
        )
        for name, precision, kind, findings, seconds, made in (
            ("ct-to-mri", fp32, Kind.VOLUME, (), 1.0, synthetic[0]),
            ("ct-to-mri", fp16, Kind.VOLUME, (), 0.5, synthetic[1]),
            ("hemorrhage", fp32, Kind.BOXES, (boxed,), 0.1, boxes),
            ("stroke", fp32, Kind.MASK, (lesion,), 1.9, masks[0]),
            ("stroke", fp16, Kind.MASK, (lesion,), 0.9, masks[1]),
        )
    }  # fmt: skip
    sources = {key: "dwi" if key[0] == "stroke" else "ct" for key in results}
    kinds = {"ct-to-mri": Kind.VOLUME, "hemorrhage": Kind.BOXES, "stroke": Kind.MASK}
    return Catalogue(study, {"ct": ct, "dwi": dwi}, results, sources, {}, kinds)
