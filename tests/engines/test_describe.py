"""Describing networks by name, with and without PyTorch."""

from __future__ import annotations

import sys

import pytest

from engines.describe import SHIPPED, describable, describe_named
from inference.errors import BackendMissing, InputRefused

FIELDS = ["name", "variant", "parameters", "gmac", "inputs", "outputs"]


def test_a_network_of_the_papers() -> None:
    found = describe_named("pix2pix", "convolution")
    assert list(found)[: len(FIELDS)] == FIELDS
    assert (found["variant"], found["parameters"], found["stated"]) == (
        "convolution",
        64_637_268,
        "64,637,268 parameters",
    )
    assert found["outputs"] == [{"name": "output", "shape": [1, 3, 256, 256]}]


def test_two_inputs_keep_their_names() -> None:
    ends = describe_named("pix2pix-discriminator")["inputs"]
    assert [(end["name"], end["shape"][1]) for end in ends] == [("source", 3), ("target", 3)]


@pytest.mark.parametrize(
    ("name", "first"), [("pix2pix", "original"), ("prostate-vnet", "zones"), ("tumour-unet", "compressed")]
)
def test_without_a_variant_the_first_is_meant(name: str, first: str) -> None:
    assert describe_named(name) == describe_named(name, first)
    assert describe_named(name)["variant"] == first


def test_a_bundle_is_described_from_its_graph() -> None:
    found = describe_named("ct-to-mri", SHIPPED)
    assert list(found) == FIELDS
    assert found == describe_named("ct-to-mri")
    assert found["variant"] == SHIPPED


def test_everything_listed_has_a_name_of_its_own() -> None:
    listed = describable()
    names = [one["name"] for group in ("networks", "bundles") for one in listed[group]]
    assert len(set(names)) == len(names)
    assert {"pix2pix", "nnunet", "organ-unet", "tumour-unet", "ct-to-mri"} <= set(names)


@pytest.mark.parametrize(
    ("name", "variant", "message"),
    [
        ("pix2pix", "wide", "pix2pix has no variant 'wide'"),
        ("ct-to-mri", "cropping", "no network of the papers"),
        ("no-such-thing", "", "no task 'no-such-thing'"),
    ],
)
def test_unknown_names_are_refused(name: str, variant: str, message: str) -> None:
    with pytest.raises(InputRefused, match=message) as caught:
        describe_named(name, variant)
    assert caught.value.hint


def test_without_pytorch_papers_are_refused_and_bundles_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(BackendMissing, match="drawn by PyTorch") as caught:
        describe_named("nnunet")
    assert "insula[train]" in caught.value.hint
    assert describe_named("stroke-lesion")["parameters"] > 1e6
    assert describable()["networks"]
