"""One torch thread: two threads on two busy cores wait for each other longer than they work. And a user's own set."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

SIDE_MM = 5.0
HEAD = (26, 34, 30)


@pytest.fixture(scope="session", autouse=True)
def one_torch_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def own_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three coarse heads with a bright lesion each, in nnU-Net's raw layout: channel FLAIR, label plaque."""
    folder = tmp_path_factory.mktemp("own")
    table = {
        "channel_names": {"0": "FLAIR"},
        "labels": {"background": 0, "plaque": 1},
        "numTraining": 3,
        "file_ending": ".nii.gz",
    }
    (folder / "dataset.json").write_text(json.dumps(table))
    k, j, i = np.ogrid[: HEAD[0], : HEAD[1], : HEAD[2]]
    for number in range(3):
        rng = np.random.default_rng(number)
        inside = ((k - 13) / 11) ** 2 + ((j - 17) / 15) ** 2 + ((i - 15) / 13) ** 2 < 1
        spot = (k - 12 - number) ** 2 + (j - 16) ** 2 + (i - 12 - number) ** 2 < 14
        values = inside * rng.normal(100, 6, HEAD) + spot * 150.0
        _write(folder / "imagesTr" / f"head{number}_0000.nii.gz", values.astype(np.float32))
        _write(folder / "labelsTr" / f"head{number}.nii.gz", spot.astype(np.uint8))
    return folder


def _write(file: Path, values: np.ndarray) -> None:
    file.parent.mkdir(exist_ok=True)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((SIDE_MM,) * 3)
    sitk.WriteImage(image, str(file))
