"""The shipped tumour network, by the whole road, on a digital patient that it never saw."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from engines.library import find
from engines.phantom import glioma
from engines.phantom.outlined import OutlinedPatient
from engines.training.mask_tiles import tiled
from engines.training.measure_outlines import answer, dice
from inference.backends.base import Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision
from inference.steps.resample import isotropic_like, to_grid, upright
from inference.steps.skull import within_skull
from inference.volume import Mask, Volume

SEED = 900_001
"""A ring with necrosis and oedema."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    loaded = OnnxRuntimeBackend().load(find("tumour-regions").task.model_path, Precision.FP32, "CPU")
    yield loaded
    loaded.close()


@pytest.fixture(scope="module")
def patient() -> OutlinedPatient:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(glioma, "STEP_MM", 2.5)
        patch.setattr(glioma, "PIXEL_MM", 2.0)
        return glioma.glioma_patient(SEED)


@dataclass(frozen=True)
class Case:
    """A patient at hand as a case to learn from."""

    patient: OutlinedPatient

    def identity(self) -> str:
        return "at hand"

    def read(self) -> tuple[tuple[Volume, ...], Mask]:
        return self.patient.volumes, self.patient.mask


def test_what_it_learns_from_is_blanked_outside_the_skull_as_in_use(patient: OutlinedPatient) -> None:
    task, first = find("tumour-regions").task, patient.volumes[0]
    x, y, z = task.sampling.spacing_mm
    work = isotropic_like(upright(first.geometry), (x, y, z))
    inside = within_skull(to_grid(first.voxels, first.geometry, work), work.spacing_mm)
    channels = tiled(Case(patient), task).channels
    assert 0.02 < inside.mean() < 0.9
    for channel in channels:
        assert 0.95 * inside.sum() < np.count_nonzero(channel) <= inside.sum()


def test_it_outlines_the_parts_and_reports_each_once(engine: Engine, patient: OutlinedPatient) -> None:
    task = find("tumour-regions").task
    result = answer(task, engine, {v.channel: v for v in patient.volumes})
    assert result.mask is not None
    assert result.notes == ()
    assert dice(result.mask.labels > 0, patient.mask.labels > 0) > 0.6
    assert {f.label for f in result.findings} <= set(task.output.labels)
    assert len(result.findings) == len({f.label for f in result.findings})
