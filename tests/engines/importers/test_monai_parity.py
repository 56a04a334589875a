"""Masks against MONAI itself: its own parser, transforms, network, window and way back, from one and the same bundle.

MONAI is no dependency of the project; these run where it is installed.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import monai_bundles as made
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from engines.importers import monai as importer
from engines.importers import monai_convert
from engines.importers.sources import import_any
from engines.importers.wish import Wish
from engines.library import find
from inference.backends.onnxruntime import OnnxRuntimeBackend
from inference.result import Precision, PrecisionKind, Provenance
from inference.run import run
from inference.steps import windows
from inference.volume import Channel, Geometry
from viewer import loading
from viewer.export import write_nifti

theirs = pytest.importorskip("monai", reason="MONAI is not installed")
pytestmark = pytest.mark.filterwarnings("ignore")

PROVENANCE = Provenance("t", "1", "00", "b", "1", "CPU", Precision.FP32, PrecisionKind.NATIVE)
IMAGE = {"keys": "image"}
LOAD = made.PREPROCESSING[:2]


def rotation(seed: int) -> np.ndarray:
    """A direction near the axes, with axes exchanged and turned round."""
    rng = np.random.default_rng(seed)
    near = np.linalg.qr(np.eye(3) + 0.15 * rng.standard_normal((3, 3)))[0]
    near = near * np.sign(np.diag(near))
    return near[:, rng.permutation(3)] * rng.choice([-1, 1], 3)


@dataclass(frozen=True)
class Setting:
    """A bundle and how its network came by its weights."""

    before: list[dict[str, Any]]
    window: dict[str, Any]
    after: list[dict[str, Any]] = field(default_factory=lambda: made.POSTPROCESSING)
    channels: int = 1
    labels: int = 2
    steps: int = 25


SIGMOID = [
    {"_target_": "Activationsd", "keys": "pred", "sigmoid": True},
    {**made.POSTPROCESSING[1]},
    {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5},
]
SETTINGS = {
    "CT as spleens are found: RAS, 1.5 mm, window": Setting(made.PREPROCESSING[:5], {"overlap": 0.5}),
    "gaussian, LPS, z-scores of what is not zero, cropped": Setting(
        [*LOAD, {"_target_": "CropForegroundd", **IMAGE, "source_key": "image", "k_divisible": 4},
         {"_target_": "Orientationd", **IMAGE, "axcodes": "LPS"},
         {"_target_": "NormalizeIntensityd", **IMAGE, "nonzero": True, "channel_wise": True}],
        {"overlap": 0.25, "mode": "gaussian"}, channels=2,
    ),
    "one axis kept, range of the image, margin, sigmoid": Setting(
        [*LOAD, {"_target_": "Orientationd", **IMAGE, "axcodes": "SPR"},
         {"_target_": "Spacingd", **IMAGE, "pixdim": [2.0, -1.0, 1.7], "mode": "bilinear"},
         {"_target_": "ScaleIntensityd", **IMAGE, "minv": 0.0, "maxv": 1.0},
         {"_target_": "CropForegroundd", **IMAGE, "source_key": "image", "margin": 3, "allow_smaller": False}],
        {"overlap": [0.6, 0.1, 0.5], "mode": "gaussian", "sigma_scale": 0.2, "padding_mode": "replicate"},
        SIGMOID, labels=1,
    ),
    "random weights, three labels, the file's own axes": Setting(
        [*LOAD, {"_target_": "NormalizeIntensityd", **IMAGE}], {"overlap": 0.4, "mode": "constant"},
        [made.POSTPROCESSING[0], {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}], labels=4, steps=0,
    ),
}  # fmt: skip
GRIDS = [
    Geometry.from_axes((21, 30, 34), (1.4, 1.6, 2.6), (-31, 12, 5)),
    Geometry.from_axes((34, 19, 25), (1.3, 2.2, 1.1), (10, -7, 40), rotation(1)),
    Geometry.from_axes((7, 40, 12), (1.5, 1.5, 2.0), (10, -7, 40), rotation(2)),
]


def image(grid: Geometry, channels: int, seed: int) -> np.ndarray:
    """[c, k, j, i]: a body of blobs in zeros."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*[np.linspace(-1, 1, n) for n in grid.shape], indexing="ij")
    body = sum(axis**2 for axis in axes) < 1.1
    field_of = ndimage.gaussian_filter(rng.standard_normal(grid.shape), [max(0.8, n / 12) for n in grid.shape])
    blobs = field_of > np.quantile(field_of, 0.85)
    grain = ndimage.gaussian_filter(rng.standard_normal((channels, *grid.shape)), (0, 0.7, 0.7, 0.7))
    return np.asarray(body * (40 + 80 * blobs + 25 * grain), dtype=np.float32)


def network(chosen: Setting) -> torch.nn.Module:
    """MONAI's own UNet, of random weights, or after a moment of learning what is bright."""
    torch.manual_seed(0)
    words = {**made.UNET, "in_channels": chosen.channels, "out_channels": chosen.labels}
    net = theirs.networks.nets.UNet(**{k: v for k, v in words.items() if k != "_target_"})
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    rng = np.random.default_rng(3)
    for _ in range(chosen.steps):
        noise = ndimage.gaussian_filter(rng.standard_normal((2, chosen.channels, *made.ROI)), (0, 0, 2, 2, 2))
        picture = torch.from_numpy((noise / noise.std()).astype(np.float32))
        target = (picture[:, 0] > 0.3).long()
        said = net(picture)
        loss = (
            torch.nn.functional.cross_entropy(said, target)
            if chosen.labels > 1
            else torch.nn.functional.binary_cross_entropy_with_logits(said[:, 0], target.float())
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return net.eval()


@pytest.fixture(scope="module", params=SETTINGS)
def bundle(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Setting, Path, Path]:
    """The setting, its bundle, and ours; converted in this process, which is the same code."""
    chosen = SETTINGS[request.param]
    folder = tmp_path_factory.mktemp("monai")
    net = network(chosen)
    made.write(
        folder / "theirs",
        state=net,
        channels={str(n): name for n, name in enumerate(("T1", "T2")[: chosen.channels])},
        labels={str(n): f"label {n}" for n in range(chosen.labels)},
        modality="MR",
        before=chosen.before,
        after=chosen.after,
        inferer={**made.INFERER, **chosen.window},
        network_def={**made.UNET, "in_channels": chosen.channels, "out_channels": chosen.labels},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importer, "_converted", lambda order, _watch: monai_convert.convert(order))
        import_any(folder / "theirs", folder / "ours", Wish())
    return chosen, folder / "theirs", folder / "ours"


def by_monai(folder: Path, files: list[Path]) -> np.ndarray:
    """[k, j, i]: what MONAI's own parser makes of the bundle, run on the files."""
    parser = theirs.bundle.ConfigParser()
    parser.read_config(str(folder / "configs" / "inference.json"))
    parser.read_meta(str(folder / "configs" / "metadata.json"))
    net = parser.get_parsed_content("network")
    net.load_state_dict(torch.load(folder / "models" / "model.pt", weights_only=True))
    data = parser.get_parsed_content("preprocessing")({"image": [str(f) for f in files]})
    with torch.no_grad():
        data["pred"] = parser.get_parsed_content("inferer")(data["image"][None], net.eval())[0]
    after = [t for t in parser.get_parsed_content("postprocessing").transforms if type(t).__name__ != "SaveImaged"]
    for transform in after:
        data = transform(data)
    return np.asarray(data["pred"][0]).astype(np.uint8).T


@pytest.mark.parametrize("case", range(len(GRIDS)))
def test_masks_are_monais(bundle: tuple[Setting, Path, Path], case: int, tmp_path: Path) -> None:
    chosen, folder, ours = bundle
    grid, voxels = GRIDS[case], image(GRIDS[case], chosen.channels, case)
    files = []
    for n, one in enumerate(voxels):
        files.append(tmp_path / f"{n}.nii.gz")
        write_nifti(files[-1], one, grid)
    wanted = by_monai(folder, files)
    task = find(str(ours)).task
    read = [loading.read(loading.scan(file).series[0]) for file in files]
    volumes = {Channel(s.name): replace(v, channel=Channel(s.name)) for s, v in zip(task.channels, read, strict=True)}
    with closing(OnnxRuntimeBackend().load(find(str(ours)).model, Precision.FP32, "CPU")) as engine:
        found = run(volumes, task, engine, PROVENANCE).mask
    assert found is not None
    assert 0.01 < np.mean(wanted > 0) < 0.99
    assert np.mean(found.labels == wanted) >= 0.9999
    print(f"{np.sum(found.labels != wanted)} of {wanted.size} voxels differ")


SIDE = st.integers(1, 60)
WINDOW = st.integers(1, 40)
OVERLAP = st.floats(0, 0.95)


@settings(max_examples=150)
@given(st.tuples(SIDE, SIDE, SIDE), st.tuples(WINDOW, WINDOW, WINDOW), st.tuples(OVERLAP, OVERLAP, OVERLAP))
def test_windows_stand_where_monais_do(shape: tuple, size: tuple, overlap: tuple) -> None:
    whole = tuple(max(n, w) for n, w in zip(shape, size, strict=True))
    if np.prod([n / max(1, int(w * (1 - o))) for n, w, o in zip(whole, size, overlap, strict=True)]) > 3000:
        return
    interval = theirs.inferers.utils._get_scan_interval(whole, size, 3, overlap)
    wanted = theirs.data.utils.dense_patch_slices(whole, size, interval)
    assert windows.starts(whole, size, overlap) == [tuple(s.start for s in place) for place in wanted]


@settings(max_examples=60)
@given(st.tuples(WINDOW, WINDOW, WINDOW), st.floats(0.05, 0.6), st.booleans())
def test_weights_are_monais(size: tuple, sigma: float, gaussian: bool) -> None:
    mode = "gaussian" if gaussian else "constant"
    wanted = theirs.data.utils.compute_importance_map(size, mode=mode, sigma_scale=sigma).numpy()
    assert windows.weights(size, gaussian, sigma) == pytest.approx(wanted, rel=1e-5)


@settings(max_examples=40)
@given(st.tuples(*[st.integers(3, 14)] * 3), st.tuples(*[st.integers(3, 12)] * 3), st.floats(0, 0.8), st.booleans())
def test_the_mean_over_windows_is_monais(shape: tuple, size: tuple, overlap: float, gaussian: bool) -> None:
    voxels = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)

    def ask(tile: torch.Tensor) -> torch.Tensor:
        return torch.cat([tile.mean(1, keepdim=True) * 3, tile[:, :1] - tile.amax((2, 3, 4), keepdim=True)[:, :1]], 1)

    wanted = theirs.inferers.sliding_window_inference(
        torch.from_numpy(voxels)[None], size, 2, ask, overlap, "gaussian" if gaussian else "constant", cval=0.5
    )[0].numpy()
    wide, inner = windows.padded(voxels, size, 0.5)
    mean = windows.WindowMean(wide.shape[1:], windows.weights(size, gaussian, 0.125))
    for start in windows.starts(wide.shape[1:], size, (overlap,) * 3):
        tile = np.ascontiguousarray(windows.cut(wide, start, size)[None])
        mean.add(start, ask(torch.from_numpy(tile))[0].numpy())
    assert mean.field()[(slice(None), *inner)] == pytest.approx(wanted, abs=1e-5)
