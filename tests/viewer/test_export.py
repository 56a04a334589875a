"""Files are whole or not there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.volume import Geometry
from viewer.export import write_nifti
from viewer.whole_file import ExportFailed, write_text, write_whole

AXES = st.permutations([0, 1, 2]).flatmap(
    lambda p: st.tuples(*[st.sampled_from([1.0, -1.0])] * 3).map(lambda s: np.eye(3)[:, p] * s)
)


@given(AXES)
@settings(max_examples=48, deadline=None)
def test_nifti_keeps_every_voxel_at_its_place_in_all_48_orientations(tmp_path_factory, axes):
    geometry = Geometry.from_axes((3, 4, 5), (1.0, 2.0, 3.0), (7.0, -8.0, 9.0), axes)
    voxels = np.arange(60, dtype=np.float32).reshape(3, 4, 5)
    path = write_nifti(tmp_path_factory.mktemp("n") / "v.nii.gz", voxels, geometry)
    image = sitk.ReadImage(str(path))
    for kji in [(0, 0, 0), (2, 3, 4), (1, 0, 3)]:
        place = geometry.world_from_index(kji[::-1])
        index = image.TransformPhysicalPointToIndex(place.tolist())
        assert image[index] == voxels[kji]


def test_a_sheared_grid_is_refused_instead_of_straightened(tmp_path):
    affine = np.eye(4)
    affine[1, 2] = 0.4
    with pytest.raises(ExportFailed, match="sheared"):
        write_nifti(tmp_path / "v.nii.gz", np.zeros((2, 2, 2), np.float32), Geometry((2, 2, 2), affine))
    assert list(tmp_path.iterdir()) == []


def test_a_failing_writer_leaves_neither_file_nor_rest_and_keeps_the_old_file(tmp_path):
    (tmp_path / "a.txt").write_text("old")

    def half(partial: Path) -> None:
        partial.write_text("half")
        raise OSError("disk full")

    with pytest.raises(ExportFailed, match=r"a\.txt could not be written"):
        write_whole(tmp_path / "a.txt", half)
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "old"


def test_a_folder_that_is_a_file_is_one_sentence(tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(ExportFailed):
        write_text(tmp_path / "out" / "x.json", "{}")


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from inference.volume import Geometry
from viewer.export import write_nifti
from viewer.whole_file import ExportFailed
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).normal(size=(20, 40, 40)).astype(np.float32)
try:
    write_nifti(Path(sys.argv[1]) / "v.nii.gz", noise, Geometry.from_axes((20, 40, 40), (1, 1, 1)))
except ExportFailed as error:
    print(error.code)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on file size")
def test_a_full_disk_is_noticed_and_nothing_half_written_stays(tmp_path):
    run = subprocess.run([sys.executable, "-c", FULL_DISK, tmp_path], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "export_failed"
    assert list(tmp_path.iterdir()) == []
