"""Pieces of shared memory: made, found by the other side, and gone."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.errors import BadOutput, EngineError, MemoryRefused
from inference.host import segments
from inference.host.messages import Answer, MadeNote, MaskNote
from inference.host.parcel import Opened, Parcel
from inference.host.segments import FOLDER, Segment
from inference.result import Kind, Precision, PrecisionKind, Provenance, Result, Seconds
from inference.volume import Channel, Geometry, Mask, Volume

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev/shm")


@given(
    shape=st.lists(st.integers(1, 7), min_size=1, max_size=4).map(tuple),
    dtype=st.sampled_from(["<f4", "|u1", "|b1"]),
    seed=st.integers(0, 999),
)
def test_what_one_side_writes_the_other_reads(shape, dtype, seed):
    values = np.random.default_rng(seed).integers(0, 2, shape).astype(dtype)
    ours = Segment.make(shape, dtype)
    np.copyto(ours.array, values)
    theirs = Segment.open(ours.note)
    ours.close()
    np.testing.assert_array_equal(theirs.array, values)
    assert theirs.unmap()


@LINUX
def test_a_hidden_piece_has_no_name_and_keeps_its_content():
    ours = Segment.make((3,), "<f4")
    ours.array[:] = 7
    assert (FOLDER / ours.note.segment).exists()
    ours.hide()
    assert not (FOLDER / ours.note.segment).exists()
    assert ours.array.tolist() == [7, 7, 7]
    ours.close()


def test_a_piece_in_use_says_so_and_is_given_back_later():
    ours = Segment.make((3,), "<f4")
    held = ours.array
    ours.hide()
    assert not ours.unmap()
    del held
    assert ours.unmap()


@LINUX
def test_too_much_is_refused_before_it_is_touched():
    with pytest.raises(MemoryRefused) as told:
        Segment.make((1 << 20, 1 << 20), "<f4")
    assert "shared memory" in told.value.message
    assert "--shm-size" in told.value.hint
    assert list(FOLDER.glob(f"insula-{os.getpid()}-*")) == []


@LINUX
def test_a_sweep_takes_what_the_dead_left_and_nothing_else(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    names = [f"insula-{gone.pid}-0a", f"insula-{os.getpid()}-0b", f"other-{gone.pid}-0c", "insula-me-0d"]
    for name in names:
        (tmp_path / name).write_bytes(b"")
    segments.sweep(tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names[1:])
    segments.sweep(tmp_path / "nowhere")


def bare(task) -> Result:
    made = Provenance(task.name, "1", "0" * 64, "fake", "0", "CPU", Precision.FP32, PrecisionKind.EMULATED)
    return Result(task.name, task.kind, (), made, Seconds())


@pytest.mark.parametrize(
    ("kind", "note", "says"),
    [
        ("mask_task", MaskNote(((1, "lesion"),)), "labels that its task does not know"),
        ("volume_task", MadeNote(Channel.T2, "", "T2", True), "not numbers"),
    ],
)
def test_an_answer_that_was_never_written_is_no_picture(head, request, kind, note, says):
    task = request.getfixturevalue(kind)
    with Parcel(task, head) as parcel, pytest.raises(BadOutput, match=says):
        parcel.result(Answer(bare(task), note))


def test_an_answer_on_another_grid_is_no_answer(head, mask_task):
    small = Mask(np.zeros((2, 2, 2), np.uint8), Geometry.from_axes((2, 2, 2), (1, 1, 1)))
    with Parcel(mask_task, head) as parcel:
        opened = Opened(parcel.volumes, parcel.answer)
        with pytest.raises(EngineError, match="grid"):
            opened.pack(Result(mask_task.name, Kind.MASK, (), bare(mask_task).provenance, Seconds(), mask=small))
        assert opened.close()


def test_the_host_sees_the_very_voxels_and_cannot_name_them(head, mask_task):
    valid = np.zeros(head[Channel.DWI].voxels.shape, bool)
    valid[3] = True
    dwi = Volume(head[Channel.DWI].voxels, head[Channel.DWI].geometry, Channel.DWI, "u", "name", valid=valid)
    with Parcel(mask_task, {**head, Channel.DWI: dwi}) as parcel:
        opened = Opened(parcel.volumes, parcel.answer)
        seen = opened.volumes[Channel.DWI]
        np.testing.assert_array_equal(seen.voxels, dwi.voxels)
        np.testing.assert_array_equal(seen.valid, valid)
        assert (seen.channel, seen.unit, seen.name, seen.synthetic) == (Channel.DWI, "u", "", False)
        assert seen.geometry.same_grid(dwi.geometry)
        assert seen.geometry.frame_of_reference == "frame 1"
        assert not seen.voxels.flags.writeable
        assert not seen.geometry.affine.flags.writeable
        del seen
        assert opened.close()
