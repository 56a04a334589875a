"""The shipped tumour network, by the whole road, on a digital patient that it never saw."""

from collections.abc import Iterator

import pytest

from engines.library import find
from engines.phantom import glioma
from engines.phantom.outlined import OutlinedPatient
from engines.training.measure_outlines import answer, dice
from inference.backends.base import Engine
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision

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


def test_it_outlines_the_parts_and_reports_each_once(engine: Engine, patient: OutlinedPatient) -> None:
    task = find("tumour-regions").task
    result = answer(task, engine, {v.channel: v for v in patient.volumes})
    assert result.mask is not None
    assert result.notes == ()
    assert dice(result.mask.labels > 0, patient.mask.labels > 0) > 0.6
    assert {f.label for f in result.findings} <= set(task.output.labels)
    assert len(result.findings) == len({f.label for f in result.findings})
