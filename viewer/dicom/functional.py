"""Functional groups of multi-frame objects (DICOM PS3.3 C.7.6.16): shared for all frames, or one item per frame."""

from __future__ import annotations

from pydicom.dataset import Dataset

from viewer.dicom import values


def frame_items(data: Dataset) -> list[Dataset]:
    """One item per frame, or [] where the object has no functional groups."""
    return values.items(data, "PerFrameFunctionalGroupsSequence")


def item_of(shared: Dataset, own: Dataset, name: str) -> Dataset:
    """The one item of a functional group: the frame's own, else the shared one, else an empty data set."""
    return values.first(own, name) or values.first(shared, name)
