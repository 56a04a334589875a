"""Pairs by name: pictures of one size, volumes on one grid, volumes with outlines."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engines.training.readers.pairs import read_outlined_volumes, read_picture_pairs, read_volume_pairs
from inference.errors import GeometryMismatch, InputRefused


def test_pictures_of_one_name_and_size_are_pairs(tmp_path: Path) -> None:
    for part in ("CT", "MRI"):
        (tmp_path / part).mkdir()
        for name in ("p1_a.png", "p1_b.png", "p2.png"):
            Image.new("L", (8, 6)).save(tmp_path / part / name)
    split = read_picture_pairs(tmp_path, ("CT", "MRI"), 0.5)
    assert sorted(len(part) for part in (split.train, split.held_out)) == [1, 2]
    assert all(c.source.parent.name == "CT" and c.target.parent.name == "MRI" for c in split.train)
    Image.new("L", (8, 7)).save(tmp_path / "MRI" / "p2.png")
    with pytest.raises(InputRefused, match="p2 differ in size"):
        read_picture_pairs(tmp_path, ("CT", "MRI"), 0.5)
    (tmp_path / "MRI" / "p2.png").unlink()
    with pytest.raises(InputRefused, match="p2 is missing in the folder MRI"):
        read_picture_pairs(tmp_path, ("CT", "MRI"), 0.5)
    with pytest.raises(InputRefused, match="two folders"):
        read_picture_pairs(tmp_path, ("CT",), 0.5)


def test_the_real_pairs_read_whole(shared_data) -> None:  # type: ignore[no-untyped-def]
    split = read_picture_pairs(shared_data("pairs-harvard-aanlib"), ("CT", "MRI"), 0.2)
    assert (len(split.train), len(split.held_out)) == (74, 18)


def test_volumes_of_one_grid_are_pairs(tmp_path: Path, put) -> None:  # type: ignore[no-untyped-def]
    for name in ("p1", "p2"):
        put(tmp_path / "CT" / f"{name}.nii.gz")
        put(tmp_path / "MR" / f"{name}.mha")
    split = read_volume_pairs(tmp_path, ("CT", "MR"), 0.5)
    assert split.train[0].geometry is not None
    assert split.train[0].geometry.spacing_mm == pytest.approx((0.8, 0.9, 3.0))
    put(tmp_path / "MR" / "p2.mha", spacing=(1, 1, 1))
    with pytest.raises(GeometryMismatch, match="p2"):
        read_volume_pairs(tmp_path, ("CT", "MR"), 0.5)


def test_outlined_volumes_need_every_folder(tmp_path: Path, put, marked) -> None:  # type: ignore[no-untyped-def]
    for name in ("p1", "p2"):
        for part in ("DWI", "ADC"):
            put(tmp_path / part / f"{name}.nii.gz")
        put(tmp_path / "outlines" / f"{name}.nii.gz", marked(1))
    split = read_outlined_volumes(tmp_path, ("DWI", "ADC"), ("lesion",), 0.5)
    assert np.unique(split.train[0].mask().labels).tolist() == [0, 1]
    with pytest.raises(InputRefused, match="no folder FLAIR"):
        read_outlined_volumes(tmp_path, ("DWI", "FLAIR"), ("lesion",), 0.5)
    with pytest.raises(InputRefused, match="no channels or no labels"):
        read_outlined_volumes(tmp_path, ("DWI",), (), 0.5)
