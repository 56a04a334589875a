"""A trained-model folder's `plans.json` and `dataset.json`, from a few wishes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

CONFIGURATION = "3d_fullres"


@dataclass(frozen=True)
class Recipe:
    """What to put into a model's plans.

    Attributes:
        labels: As in `dataset.json`, background left out: one value, or several for a region.
        regions_class_order: Needed where a label is a region.
        intensity: Of each channel, for CT normalisation.
    """

    channels: tuple[str, ...]
    labels: Mapping[str, int | tuple[int, ...]]
    patch_size: tuple[int, ...]
    spacing: tuple[float, ...]
    features: tuple[int, ...]
    schemes: tuple[str, ...]
    use_mask: tuple[bool, ...]
    strides: tuple[tuple[int, ...], ...] = ()
    regions_class_order: tuple[int, ...] = ()
    transpose: tuple[int, ...] = (0, 1, 2)
    mirroring: tuple[int, ...] = (0, 1, 2)
    reader: str = "SimpleITKIO"
    configuration: str = CONFIGURATION

    @property
    def sides(self) -> int:
        return len(self.patch_size)


def dataset(recipe: Recipe) -> dict[str, Any]:
    """Content of `dataset.json`."""
    labels = {name: list(v) if isinstance(v, tuple) else v for name, v in recipe.labels.items()}
    found: dict[str, Any] = {
        "channel_names": {str(n): name for n, name in enumerate(recipe.channels)},
        "labels": {"background": 0, **labels},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    order = {"regions_class_order": list(recipe.regions_class_order)} if recipe.regions_class_order else {}
    return {**found, **order}


def plans(recipe: Recipe) -> dict[str, Any]:
    """Content of `plans.json`."""
    back = [int(axis) for axis in np.argsort(recipe.transpose)]
    intensity = {"mean": 40.0, "std": 30.0, "median": 38.0, "min": -200.0, "max": 400.0}
    intensity |= {"percentile_00_5": -60.0, "percentile_99_5": 160.0}
    return {
        "dataset_name": "Dataset900_Yardstick",
        "plans_name": "nnUNetPlans",
        "image_reader_writer": recipe.reader,
        "transpose_forward": list(recipe.transpose),
        "transpose_backward": back,
        "label_manager": "LabelManager",
        "foreground_intensity_properties_per_channel": {str(n): intensity for n in range(len(recipe.channels))},
        "configurations": {
            "base": _configuration(recipe),
            recipe.configuration: {"inherits_from": "base", "batch_size": 2},
        },
    }


def _configuration(recipe: Recipe) -> dict[str, Any]:
    rules = {"data": (False, 3), "seg": (True, 1), "probabilities": (False, 1)}
    resampling: dict[str, Any] = {}
    for name, (is_seg, order) in rules.items():
        resampling[f"resampling_fn_{name}"] = "resample_data_or_seg_to_shape"
        kwargs = {"is_seg": is_seg, "order": order, "order_z": 0, "force_separate_z": None}
        resampling[f"resampling_fn_{name}_kwargs"] = kwargs
    return {
        "preprocessor_name": "DefaultPreprocessor",
        "batch_size": 2,
        "patch_size": list(recipe.patch_size),
        "spacing": list(recipe.spacing),
        "normalization_schemes": list(recipe.schemes),
        "use_mask_for_norm": list(recipe.use_mask),
        "architecture": _architecture(recipe),
        **resampling,
    }


def _architecture(recipe: Recipe) -> dict[str, Any]:
    sides, stages = recipe.sides, len(recipe.features)
    strides = recipe.strides or ((1,) * sides, *(((2,) * sides,) * (stages - 1)))
    kwargs = {
        "n_stages": stages,
        "features_per_stage": list(recipe.features),
        "conv_op": f"torch.nn.modules.conv.Conv{sides}d",
        "kernel_sizes": [[3] * sides] * stages,
        "strides": [list(stride) for stride in strides],
        "n_conv_per_stage": [2] * stages,
        "n_conv_per_stage_decoder": [2] * (stages - 1),
        "conv_bias": True,
        "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{sides}d",
        "norm_op_kwargs": {"eps": 1e-5, "affine": True},
        "dropout_op": None,
        "dropout_op_kwargs": None,
        "nonlin": "torch.nn.LeakyReLU",
        "nonlin_kwargs": {"inplace": True},
    }
    return {
        "network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
        "arch_kwargs": kwargs,
        "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
    }
