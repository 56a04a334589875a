"""A plan as an imported model has it, to be changed by the tests."""

from __future__ import annotations

import pytest

from inference.nnunet.plan import ChannelPlan, Function, Intensity, LabelPlan, Plan, Reader, Resampling, Scheme


def _plan() -> Plan:
    intensity = Intensity(40.0, 30.0, 38.0, -200.0, 400.0, -60.0, 160.0)
    return Plan(
        dataset_name="Dataset001_Test",
        plans_name="nnUNetPlans",
        configuration="3d_fullres",
        trainer_name="nnUNetTrainer",
        folds=("0",),
        network_class_name="net",
        image_reader_writer=Reader.SIMPLEITK,
        file_ending=".nii.gz",
        num_training=2,
        preprocessor_name="DefaultPreprocessor",
        label_manager="LabelManager",
        transpose_forward=(0, 1, 2),
        transpose_backward=(0, 1, 2),
        spacing=(2.0, 2.0, 2.0),
        patch_size=(8, 8, 8),
        batch_size=2,
        channels=(ChannelPlan("DWI", Scheme.ZSCORE, True, intensity),),
        resampling_data=Resampling(Function.DEFAULT, 3, 0),
        resampling_seg=Resampling(Function.DEFAULT, 1, 0),
        resampling_probabilities=Resampling(Function.DEFAULT, 1, 0),
        labels=(LabelPlan("lesion", (1,)),),
        allowed_mirroring_axes=(0, 1, 2),
        mirror=False,
    )


@pytest.fixture
def plan() -> Plan:
    return _plan()


@pytest.fixture(scope="session")
def plan_free() -> Plan:
    """The same for property tests, which may not share a fixture between examples."""
    return _plan()
