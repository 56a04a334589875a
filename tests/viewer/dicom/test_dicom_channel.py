"""What a header says, and what it leaves open."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from inference.volume import Channel
from viewer.dicom.channel import recognise
from viewer.dicom.diffusion import b_value
from viewer.dicom.image import Image

FILE = Path("a.dcm")


def mr(description="", **says) -> Image:
    return Image(FILE, modality="MR", description=description, **says)


@pytest.mark.parametrize(
    ("description", "channel"),
    [
        ("t1_mprage_sag", "T1"), ("AX T1", "T1"), ("T1W_SE", "T1"), ("Sag 3D BRAVO", "T1"), ("MEMPRAGE RMS", "T1"),
        ("AX T1 +C", "T1C"), ("t1_mprage_gd", "T1C"), ("T1 POST", "T1C"), ("ax t1 ce", "T1C"),
        ("t2_tse_tra", "T2"), ("AX T2 FSE", "T2"),
        ("AX FLAIR", "FLAIR"), ("t2_flair_sag", "FLAIR"), ("T2W_FLAIR", "FLAIR"), ("t2_tirm_dark-fluid", "FLAIR"),
        ("AX T2*", "UNKNOWN"), ("t2_star_gre", "UNKNOWN"), ("SWI", "UNKNOWN"), ("T1 FLAIR", "T1"),
        ("AX PD T2", "UNKNOWN"), ("T1 map", "UNKNOWN"), ("t2 dsc perfusion", "UNKNOWN"), ("TOF 3D", "UNKNOWN"),
        ("T1 T2 combined", "UNKNOWN"), ("STIR COR T2", "UNKNOWN"), ("", "UNKNOWN"), ("head", "UNKNOWN"),
        ("ep2d_diff", "UNKNOWN"), ("eADC", "UNKNOWN"), ("ADC (10^-6 mm2/s)", "ADC"), ("dADC", "ADC"),
    ],
)  # fmt: skip
def test_mr_descriptions(description, channel):
    assert recognise(mr(description)).channel.value == channel


def test_a_contrast_agent_makes_t1_into_t1c_and_nothing_else():
    assert recognise(mr("AX T1", contrast_agent=True)).channel is Channel.T1C
    assert recognise(mr("AX T2", contrast_agent=True)).channel is Channel.T2
    assert recognise(mr("", contrast_agent=True)).channel is Channel.UNKNOWN


@pytest.mark.parametrize(("b", "channel"), [(0.0, "UNKNOWN"), (50.0, "UNKNOWN"), (500.0, "DWI"), (1000.0, "DWI")])
def test_only_high_b_is_dwi(b, channel):
    shown = recognise(mr("dwi", b_value=b, image_type=("ORIGINAL", "PRIMARY", "DIFFUSION")))
    assert shown.channel.value == channel
    assert (channel == "DWI") or f"b = {b:g}" in shown.reasons[0]


def test_b_0_is_only_meant_where_other_images_have_more():
    image = mr("", b_value=0.0, repetition_time=4000, echo_time=90, scanning_sequence=("SE",))
    assert recognise(image).channel is Channel.T2
    assert recognise(image, diffusion=True).channel is Channel.UNKNOWN


def test_one_diffusion_direction_is_not_a_trace_image():
    assert recognise(mr("dti", b_value=1000.0, directional=True)).channel is Channel.UNKNOWN


def test_image_type_beats_the_description():
    assert (
        recognise(mr("ep2d_diff_b1000", image_type=("DERIVED", "PRIMARY", "DIFFUSION", "ADC"))).channel is Channel.ADC
    )


@pytest.mark.parametrize(
    ("says", "unit"),
    [
        ({"units_code": "um2/s"}, "1e-6 mm2/s"), ({"rescale_type": "10^-3 mm2/s"}, "1e-3 mm2/s"),
        ({"rescale_type": "mm2/s"}, "mm2/s"), ({"rescale_type": "US"}, ""), ({}, ""),
    ],
)  # fmt: skip
def test_the_unit_of_adc_is_what_the_header_states(says, unit):
    shown = recognise(mr("ADC", **says))
    assert shown.unit == unit
    assert bool(shown.reasons) == (unit == "")


@pytest.mark.parametrize(
    ("tr", "te", "ti", "sequence", "channel"),
    [
        (500, 12, None, ("SE",), "T1"), (4000, 100, None, ("SE",), "T2"), (9000, 120, 2500, ("SE", "IR"), "FLAIR"),
        (1500, 40, None, ("SE",), "UNKNOWN"), (500, 12, None, ("GR",), "UNKNOWN"),
        (4000, 100, None, ("EP", "SE"), "UNKNOWN"), (4000, 100, 160, ("SE", "IR"), "UNKNOWN"),
        (9000, 120, None, ("SE", "IR"), "UNKNOWN"),
    ],
)  # fmt: skip
def test_times_decide_only_far_from_the_borders(tr, te, ti, sequence, channel):
    image = mr("", repetition_time=tr, echo_time=te, inversion_time=ti, scanning_sequence=sequence)
    assert recognise(image).channel.value == channel


@pytest.mark.parametrize(
    ("says", "unit"),
    [
        ({"slope": 1.0, "intercept": -1024.0}, "HU"),
        ({"slope": 1.0, "intercept": 0.0, "rescale_type": "HU"}, "HU"),
        ({"slope": 1.0, "intercept": 0.0, "rescale_type": "US"}, ""),
        ({}, ""),
        ({"slope": 1.0, "intercept": 0.0, "description": "rCBF map"}, ""),
    ],
)
def test_ct_is_hu_only_where_the_header_says_so(says, unit):
    shown = recognise(Image(FILE, modality="CT", **says))
    assert shown.unit == unit
    assert shown.channel is (Channel.CT if unit else Channel.UNKNOWN)


def private(group, element, creator, vr, value) -> Dataset:
    data = Dataset()
    data.add_new((group, 0x0010), "LO", creator)
    data.add_new((group, element), vr, value)
    return data


@pytest.mark.parametrize(
    ("data", "b"),
    [
        (private(0x0019, 0x100C, "SIEMENS MR HEADER", "IS", "800"), 800),
        (private(0x0043, 0x1039, "GEMS_PARM_01", "IS", ["1000001000", "8", "0", "0"]), 1000),
        (private(0x0043, 0x1039, "GEMS_PARM_01", "UN", b"1000\\8\\0\\0 "), 1000),
        (private(0x2001, 0x1003, "Philips Imaging DD 001", "FL", 1000.0), 1000),
        (private(0x2001, 0x1003, "Philips Imaging DD 001", "UN", b"\x00\x00zD"), 1000),
        (private(0x0019, 0x100C, "SOMEBODY ELSE", "IS", "800"), None),
        (Dataset(), None),
    ],
)
def test_b_values_of_the_vendors(data, b):
    assert b_value(data) == b


def test_a_block_without_its_creator_is_believed_of_the_right_maker_alone():
    for maker, b in (("SIEMENS", 800), ("Philips Medical Systems", None), ("", None)):
        data = Dataset()
        data.Manufacturer = maker
        data.add_new((0x0019, 0x100C), "IS", "800")
        assert b_value(data) == b


def test_b_value_in_the_sequence_name():
    assert b_value(Dataset(), "*ep_b800t") == 800
    assert b_value(Dataset(), "*tfl3d1_16ns") is None
