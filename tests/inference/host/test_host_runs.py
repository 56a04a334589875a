"""What the host answers is what the same engine answers here, and the host is a modest process."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from engines.library import find
from inference.backends import registry
from inference.errors import BackendMissing, BadOutput, EngineError, InputRefused, InsulaError, PrecisionAbsent
from inference.host.client import EngineHost
from inference.host.guard import OOM_SCORE
from inference.host.messages import Run
from inference.host.parcel import Parcel
from inference.lanes import LaneSpec
from inference.result import Kind, Precision, PrecisionKind
from inference.run import run
from inference.volume import Channel, Volume

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def here(order, volumes):
    """The same order in this process."""
    engine = registry.named(order.engine.backend).load(order.engine.graph, order.engine.precision, order.engine.device)
    try:
        return run(volumes, order.task, engine, order.provenance)
    finally:
        engine.close()


@pytest.mark.parametrize("name", ["stroke-lesion", "ct-to-mri", "hemorrhage-detection"])
def test_a_shipped_bundle_answers_bit_for_bit_the_same(steady, head, order, name):
    task = find(name).task
    if task.kind is Kind.MASK:  # one tile instead of fifty
        task = replace(task, sampling=replace(task.sampling, spacing_mm=(4.0, 4.0, 4.0)))
    wish = order(task, "openvino")
    theirs, ours = steady.run(wish, head), here(wish, head)
    assert theirs.findings == ours.findings
    assert theirs.boxes == ours.boxes
    assert theirs.notes == ours.notes
    assert theirs.provenance == ours.provenance
    if ours.kind is Kind.MASK:
        assert ours.mask.labels.any()
        np.testing.assert_array_equal(theirs.mask.labels, ours.mask.labels)
        assert dict(theirs.mask.names) == dict(ours.mask.names)
    if ours.kind is Kind.VOLUME:
        assert theirs.volume.voxels.tobytes() == ours.volume.voxels.tobytes()
        for field in ("channel", "unit", "name", "synthetic"):
            assert getattr(theirs.volume, field) == getattr(ours.volume, field)


def test_the_answer_lies_on_the_very_grid_of_its_source(steady, head, order, volume_task):
    valid = np.ones(head[Channel.CT].voxels.shape, bool)
    valid[0] = False
    source = replace(head[Channel.CT], valid=valid)
    made = steady.run(order(volume_task), {Channel.CT: source}).volume
    assert made.geometry is source.geometry
    assert made.valid is valid
    assert not made.voxels.flags.writeable


def test_progress_comes_tile_by_tile(steady, head, order, mask_task):
    steps = []
    steady.run(order(mask_task), head, progress=steps.append)
    tiles = [step for step in steps if step.stage == "tiles"]
    assert [step.done for step in tiles] == list(range(tiles[0].total))
    assert len(tiles) == 12
    assert [steps[0].stage, steps[1].stage, steps[-1].stage] == ["load", "prepare", "finish"]


def test_an_engine_is_loaded_once_and_again_when_its_model_is_another(steady, head, order, mask_task):
    first = steady.run(order(mask_task, "onnxruntime"), head)
    again = steady.run(order(mask_task, "onnxruntime"), head)
    assert first.seconds.load > again.seconds.load
    fresh = order(mask_task, "onnxruntime")
    other = replace(fresh, engine=replace(fresh.engine, sha256="0" * 64))
    assert steady.run(other, head).findings == first.findings


def test_lanes_of_one_device_are_told_apart_and_keep_their_cores(steady, head, order, mask_task):
    core = frozenset({min(os.sched_getaffinity(0))}) if hasattr(os, "sched_getaffinity") else frozenset()
    results = [
        steady.run(order(mask_task, "onnxruntime", lane=LaneSpec(name, "CPU", cores)), head)
        for name, cores in (("cpu0", core), ("cpu1", frozenset()))
    ]
    assert results[0].mask.labels.tobytes() == results[1].mask.labels.tobytes()


def test_it_chooses_as_the_registry_does(steady):
    ours = registry.choose(None, Precision.FP32)
    theirs = steady.choose(None, Precision.FP32, None)
    assert (theirs.backend, theirs.version, theirs.device) == (ours.backend.name, ours.backend.version, ours.device)
    assert theirs.support == ours.support
    assert steady.choose("fake", Precision.FP16, "CPU").support.kind is PrecisionKind.EMULATED


@pytest.mark.parametrize(
    ("backend", "precision", "error"),
    [("abacus", Precision.FP32, BackendMissing), ("fake", Precision.INT8, PrecisionAbsent)],
)
def test_an_error_comes_back_as_what_it_was(steady, backend, precision, error):
    with pytest.raises(error) as told:
        steady.choose(backend, precision, None)
    with pytest.raises(error) as same:
        registry.choose(backend, precision)
    assert str(told.value) == str(same.value)


def test_a_missing_series_is_refused_as_ever(steady, head, order, mask_task):
    with pytest.raises(InputRefused, match="no ADC series"):
        steady.run(order(mask_task), {Channel.DWI: head[Channel.DWI]})


@pytest.mark.parametrize(("device", "says"), [("NAN", "not numbers"), ("CONSTANT", "one constant")])
@pytest.mark.parametrize("kind", ["mask_task", "volume_task"])
def test_broken_numbers_are_an_error_never_a_picture(steady, head, order, request, device, says, kind):
    with pytest.raises(BadOutput, match=says):
        steady.run(order(request.getfixturevalue(kind), device=device), head)


def test_an_unforeseen_fault_says_its_kind_and_not_its_text(steady, head, order, mask_task, canary):
    broken = replace(mask_task, output=canary)
    with pytest.raises(InsulaError) as told:
        steady.run(order(broken), head)
    assert "failed unexpectedly (AttributeError)" in str(told.value)
    assert canary not in str(told.value)


def test_nothing_about_the_patient_crosses(head, order, mask_task, canary):
    with Parcel(mask_task, head) as parcel:
        crossing = pickle.dumps(Run(1, order(mask_task), parcel.volumes, parcel.answer))
    assert canary.encode() not in crossing
    assert head[Channel.DWI].geometry.frame_of_reference.encode() not in crossing
    assert len(crossing) < 8000 < head[Channel.DWI].voxels.nbytes


def test_two_frames_of_reference_are_still_told_apart(steady, head, order, mask_task):
    grid = replace(head[Channel.ADC].geometry, frame_of_reference="9.9")
    other = Volume(head[Channel.ADC].voxels, grid, Channel.ADC)
    with pytest.raises(InputRefused, match="frame of reference"):
        steady.run(order(mask_task), {**head, Channel.ADC: other})


@LINUX
def test_the_system_takes_the_host_before_the_viewer(steady):
    steady.choose("fake", Precision.FP32, None)
    assert int(Path(f"/proc/{steady.pid}/oom_score_adj").read_text()) == OOM_SCORE
    assert int(Path("/proc/self/oom_score_adj").read_text()) < OOM_SCORE


@LINUX
def test_the_host_holds_no_window_and_opens_no_core(steady, head, order, mask_task):
    steady.run(order(mask_task, "openvino"), head)
    mapped = Path(f"/proc/{steady.pid}/maps").read_text()
    assert "openvino" in mapped
    assert [name for name in ("libQt6", "PySide6", "vtkmodules", "SimpleITK", "torch") if name in mapped] == []


@LINUX
@pytest.mark.parametrize("device", ["CPU", "NAN", "RAISES"])
def test_the_host_keeps_no_volume_after_its_job(steady, head, order, mask_task, wait, device):
    with suppress(EngineError):
        steady.run(order(mask_task, device=device), head)
    assert wait(lambda: "insula-" not in Path(f"/proc/{steady.pid}/maps").read_text(), 5.0)


def test_what_the_host_imports_knows_no_screen_and_no_study():
    program = "import sys, inference.host.serve, inference.run; print(*{n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    strangers = {"PySide6", "vtkmodules", "vtk", "pyqtgraph", "viewer", "engines", "pydicom", "SimpleITK"}
    assert set(done.stdout.split()) & strangers == set()


def test_a_host_that_was_not_asked_costs_nothing():
    with EngineHost() as idle:
        assert idle.pid is None


def test_a_closed_host_says_so(head, order, mask_task):
    made = EngineHost()
    made.close()
    with pytest.raises(InsulaError, match="closed"):
        made.run(order(mask_task), head)
