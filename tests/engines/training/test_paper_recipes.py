"""The papers' recipes, a step long on small trees in the layouts of their sets: what they ask for fits together."""

import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from engines.training.recipe import RECIPES
from engines.training.train import train
from inference.result import Kind
from inference.task import read_task

GRID = (3, 40, 36)
SPACING = {"organs-ct-org": (0.557, 0.557, 3.0), "prostate-3t": (0.625, 0.625, 3.6)}
ISBI = "NCI_ISBI_Challenge-Prostate3T_Training_Segmentations"


def _write(file: Path, values: np.ndarray, spacing: tuple[float, ...]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(file))


def _case(files: list[Path], outline: Path, top: int, spacing: tuple[float, ...]) -> None:
    rng = np.random.default_rng(len(str(outline)))
    labels = np.zeros(GRID, np.uint8)
    labels[:, 10:20, 8:24] = 1 + np.arange(16) % top
    for file in files:
        _write(file, (labels * 40 + rng.normal(100, 9, GRID)).astype(np.float32), spacing)
    _write(outline, labels, spacing)


def _tree(name: str, folder: Path) -> Path:
    spacing = SPACING.get(name, (1.0, 1.0, 1.0))
    for n in (5, 30):
        if name == "organs-ct-org":
            _case([folder / f"volume-{n}.nii.gz"], folder / f"labels-{n}.nii.gz", 6, spacing)
        elif name == "prostate-3t":
            case = f"Prostate3T-01-{n:04d}"
            _case([folder / "Prostate-3T" / f"{case}.nii.gz"], folder / ISBI / f"{case}.nrrd", 2, spacing)
        else:
            case = folder / f"BraTS-GLI-{n:05d}-000"
            images = [case / f"{case.name}-{word}.nii.gz" for word in ("t1n", "t1c", "t2w", "t2f")]
            _case(images, case / f"{case.name}-seg.nii.gz", 3, spacing)
    return folder


@pytest.mark.parametrize("name", ["organs-ct-org", "prostate-3t", "tumour-mobile", "tumour-compressed"])
def test_a_paper_s_recipe_runs_on_its_layout(tmp_path: Path, name: str) -> None:
    text = re.sub(r"^batch = \d", "batch = 2", (RECIPES / f"{name}.toml").read_text(), flags=re.M)
    (tmp_path / "small.toml").write_text(text)
    bundle = train(str(tmp_path / "small.toml"), _tree(name, tmp_path / "set"), tmp_path / "out", steps=1)
    task = read_task(bundle)
    assert task.kind is Kind.MASK
    assert task.sampling.size[0] == 1
    assert "whoever passes these weights on answers for that" in (bundle / "card.md").read_text()
