"""`insula engines import`: what becomes a bundle, what is refused, and that nothing half-written stays."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from engines import child
from engines.importers import nnunet, nnunet_convert
from engines.importers import nnunet_reference as reference
from engines.importers.nnunet import import_model
from engines.importers.nnunet_order import Order
from engines.importers.nnunet_recipe import Recipe
from engines.importers.sources import import_any
from engines.importers.wish import Wish
from engines.library import find
from inference.errors import EngineError, InputRefused, JobCancelled, ManifestInvalid
from inference.nnunet.plan import Reader, Scheme, read_plan

pytestmark = pytest.mark.filterwarnings("ignore")

RECIPE = Recipe(
    channels=("DWI", "ADC"),
    labels={"lesion": 1, "old": 2},
    patch_size=(8, 8, 8),
    spacing=(2.0, 2.0, 2.0),
    features=(4, 8),
    schemes=("ZScoreNormalization", "CTNormalization"),
    use_mask=(True, False),
    transpose=(1, 2, 0),
    mirroring=(0, 2),
)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    nets = {fold: reference.network(RECIPE, seed) for seed, fold in enumerate(("0", "3"))}
    return reference.write_model(tmp_path / "model", RECIPE, nets)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert in this process: the same code without the seconds of a new one."""
    monkeypatch.setattr(nnunet, "_converted", lambda order, _cancelled: nnunet_convert.convert(order))


@pytest.mark.slow
def test_a_folder_becomes_a_bundle_in_a_process_of_its_own(model: Path, tmp_path: Path) -> None:
    bundle = find(str(import_model(model, tmp_path / "bundle", Wish(name="stroke"))))
    plan = read_plan(bundle.task.plan_path)
    assert bundle.task.name == "stroke"
    assert [c.name for c in bundle.task.channels] == ["DWI", "ADC"]
    assert bundle.task.output.labels == ("lesion", "old")
    assert plan.folds == ("0", "3")
    assert plan.configuration == "3d_fullres"
    assert plan.batch_size == 2
    assert plan.allowed_mirroring_axes == (0, 2)
    assert (plan.transpose_forward, plan.transpose_backward) == ((1, 2, 0), (2, 0, 1))
    assert plan.channels[1].normalization_scheme is Scheme.CT
    assert plan.channels[1].intensity is not None
    assert plan.channels[1].intensity.percentile_99_5 == 160
    assert plan.image_reader_writer is Reader.SIMPLEITK
    assert "3d_fullres" in bundle.card.read_text()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bundle", "model"]


def test_what_was_found_and_assumed_is_said(model: Path, here: None, tmp_path: Path) -> None:
    made = import_any(model, tmp_path / "bundle", Wish())
    assert (made.kind, made.folder) == ("nnunet", tmp_path / "bundle")
    assert "3d_fullres, folds 0, 3" in made.found[0]
    assert "labels lesion, old" in made.found[1]
    assert made.assumed == ("by their names, DWI is DWI, ADC is ADC",)
    assert import_any(model, tmp_path / "bundle", Wish(channels=("DWI", "ADC"))).assumed == ()


def test_folds_are_averaged_in_one_graph(model: Path, here: None, tmp_path: Path) -> None:
    bundle = find(str(import_model(model, tmp_path / "bundle")))
    with np.load(bundle.vector) as stored:
        given, said = stored["input"][0], stored["logits"][0]
    nets = [reference.network(RECIPE, seed).eval() for seed in (0, 1)]
    with torch.no_grad():
        want = sum(net(torch.from_numpy(given)) for net in nets) / 2
    assert said == pytest.approx(want.numpy(), abs=1e-3)


def test_a_real_case_makes_the_test_vector(model: Path, here: None, tmp_path: Path) -> None:
    image = np.random.default_rng(0).uniform(1, 9, (2, 14, 12, 10)).astype(np.float32)
    np.savez(tmp_path / "case.npz", channels=image, spacing=(2.0, 2.0, 2.0))
    wish = Wish(folds=("3",), examples=(tmp_path / "case.npz",), mirror=False)
    bundle = find(str(import_model(model, tmp_path / "bundle", wish)))
    with np.load(bundle.vector) as stored:
        assert stored["input"].shape == (3, 1, 2, 8, 8, 8)
        assert abs(float(stored["input"][:, 0, 0].mean())) < 0.5
    plan = read_plan(bundle.task.plan_path)
    assert not plan.mirror
    assert plan.folds == ("3",)


def order_for(model: Path, out: Path, trust: bool = False) -> Order:
    return Order(str(model), ("0",), "checkpoint_final.pth", 3, 2, str(out / "m.onnx"), trust)


class Harm:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_code_in_a_checkpoint_does_not_run(model: Path, tmp_path: Path) -> None:
    file = model / "fold_0" / "checkpoint_final.pth"
    checkpoint = torch.load(file, weights_only=False)
    torch.save({**checkpoint, "logging": Harm(tmp_path / "harm")}, file)
    with pytest.raises(ValueError, match="more than weights and plain data"):
        nnunet_convert.convert(order_for(model, tmp_path))
    assert not (tmp_path / "harm").exists()
    nnunet_convert.convert(order_for(model, tmp_path, trust=True))
    assert (tmp_path / "harm").exists()


def test_classes_from_elsewhere_are_not_imported(model: Path, tmp_path: Path) -> None:
    plans = json.loads((model / "plans.json").read_text())
    plans["configurations"]["base"]["architecture"]["network_class_name"] = "os.system"
    (model / "plans.json").write_text(json.dumps(plans))
    with pytest.raises(ValueError, match=r"os\.system"):
        nnunet_convert.convert(order_for(model, tmp_path))


def test_a_failing_converter_leaves_nothing_and_says_why(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_words: object) -> str:
        raise EngineError("It failed: the file holds more than weights and plain data.", "")

    monkeypatch.setattr(child, "run", fail)
    with pytest.raises(EngineError, match=r"could not be converted: .* plain data") as caught:
        import_model(model, tmp_path / "bundle")
    assert "--trust" in caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_cancelling_ends_the_converter(model: Path, tmp_path: Path) -> None:
    with pytest.raises(JobCancelled):
        import_model(model, tmp_path / "bundle", cancelled=lambda: True)
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_what_is_no_model_is_refused(model: Path, tmp_path: Path) -> None:
    with pytest.raises(InputRefused, match=r"dataset\.json"):
        import_model(tmp_path, tmp_path / "bundle")
    with pytest.raises(InputRefused, match="fold_7"):
        import_model(model, tmp_path / "bundle", Wish(folds=("7",)))
    with pytest.raises(InputRefused, match=r"No fold holds best\.pth"):
        import_model(model, tmp_path / "bundle", Wish(checkpoint="best.pth"))
    (tmp_path / "own").mkdir()
    with pytest.raises(InputRefused, match="no bundle"):
        import_model(model, tmp_path / "own")


def test_links_and_paths_out_of_the_folder_are_refused(model: Path, tmp_path: Path) -> None:
    file = model / "fold_0" / "checkpoint_final.pth"
    file.rename(tmp_path / "elsewhere.pth")
    file.symlink_to(tmp_path / "elsewhere.pth")
    with pytest.raises(InputRefused, match="leads out of the model's folder"):
        import_model(model, tmp_path / "bundle")
    for wish in (Wish(checkpoint="../../elsewhere.pth"), Wish(folds=("../x",))):
        with pytest.raises(InputRefused, match="names, not paths"):
            import_model(model, tmp_path / "bundle", wish)


def test_an_incomplete_folder_names_what_lacks(model: Path, here: None, tmp_path: Path) -> None:
    dataset = json.loads((model / "dataset.json").read_text())
    del dataset["file_ending"]
    (model / "dataset.json").write_text(json.dumps(dataset))
    with pytest.raises(InputRefused, match="file_ending"):
        import_model(model, tmp_path / "bundle")


def test_folds_that_do_not_fit_one_file_are_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nnunet_convert, "MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="too large"):
        nnunet_convert.convert(order_for(model, tmp_path))


def test_channels_must_be_clear(model: Path, here: None, tmp_path: Path) -> None:
    dataset = json.loads((model / "dataset.json").read_text())
    dataset["channel_names"] = {"0": "b1000", "1": "noise"}
    (model / "dataset.json").write_text(json.dumps(dataset))
    with pytest.raises(InputRefused, match="b1000, noise"):
        import_model(model, tmp_path / "bundle")
    with pytest.raises(InputRefused, match="2 channels"):
        import_model(model, tmp_path / "bundle", Wish(channels=("DWI",)))
    with pytest.raises(InputRefused, match="PET"):
        import_model(model, tmp_path / "bundle", Wish(channels=("DWI", "PET")))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"previous_stage": "3d_lowres"}, "cascade"),
        ({"resampling_fn_data": "resample_torch_fornnunet"}, "function"),
        ({"normalization_schemes": ["ZScoreNormalization", "MyOwn"]}, "normalization_scheme"),
    ],
)
def test_what_cannot_run_here_is_named(
    model: Path, here: None, tmp_path: Path, change: dict[str, object], sentence: str
) -> None:
    plans = json.loads((model / "plans.json").read_text())
    plans["configurations"]["base"].update(change)
    (model / "plans.json").write_text(json.dumps(plans))
    with pytest.raises((InputRefused, ManifestInvalid), match=sentence):
        import_model(model, tmp_path / "bundle")


def test_regions_keep_their_order() -> None:
    labels = {"background": 0, "whole": [1, 2, 3], "core": [2, 3], "enhancing": [3], "ignore": 4}
    found, painted = nnunet._labels({"labels": labels, "regions_class_order": [1, 2, 3]})
    assert [(label.name, label.values) for label in found] == [
        ("whole", (1, 2, 3)),
        ("core", (2, 3)),
        ("enhancing", (3,)),
    ]
    assert painted == (1, 2, 3)
    with pytest.raises(InputRefused, match="regions_class_order"):
        nnunet._labels({"labels": labels})
    plain, none = nnunet._labels({"labels": {"background": 0, "b": 2, "a": 1}})
    assert ([label.name for label in plain], none) == (["a", "b"], ())
