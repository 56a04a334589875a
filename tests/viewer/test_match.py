from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inference.result import Kind
from inference.steps.region import Region
from inference.task import ChannelSpec, ModelSpec, Output, Sampling, Task, VectorSpec
from inference.volume import Channel, Geometry
from viewer.match import match
from viewer.study import GeometryState, Series, SeriesKind, Study

GRID = Geometry.from_axes((30, 64, 64), (2, 2, 4))


def a_task(name: str, *channels: str) -> Task:
    specs = tuple(ChannelSpec(c, "zscore") for c in channels)
    sampling = Sampling("tiles", (2.0, 2.0, 2.0), (32, 32, 32))
    model = ModelSpec("m.onnx", "", "input", ("logits",))
    return Task(name, "", "", Kind.MASK, "", "", "", model, specs, sampling, Output(("x",)), VectorSpec("v"), Path())


def a_series(uid: str, channel: Channel, grid: Geometry = GRID, frame: str = "f") -> Series:
    return Series(uid, "MR", uid, SeriesKind.VOLUME, (), 30, grid=grid, channel=channel, frame_of_reference=frame)


def a_study(*series: Series) -> Study:
    return Study(Path(), sum(s.files for s in series), series, ())


STROKE = a_task("stroke", "DWI", "ADC")


def test_a_task_runs_where_every_channel_is_there():
    study = a_study(a_series("1", Channel.DWI), a_series("2", Channel.ADC))
    (found,), skipped = match(study, [STROKE])
    assert skipped == ()
    assert found.source.uid == "1"
    assert found.series[Channel.ADC].uid == "2"


def test_a_missing_channel_is_named():
    matches, (skipped,) = match(a_study(a_series("1", Channel.DWI)), [STROKE])
    assert matches == ()
    assert skipped.reason == "The study has no ADC series."


def test_the_partner_on_the_same_grid_wins_over_the_one_with_more_slices():
    fine = Geometry.from_axes((90, 64, 64), (2, 2, 1))
    study = a_study(a_series("d", Channel.DWI), a_series("fine", Channel.ADC, fine), a_series("same", Channel.ADC))
    assert match(study, [STROKE])[0][0].series[Channel.ADC].uid == "same"


def test_series_of_other_frames_of_reference_never_meet():
    study = a_study(a_series("d", Channel.DWI), a_series("a", Channel.ADC, frame="g"))
    assert "another frame of reference" in match(study, [STROKE])[1][0].reason


def test_a_blocked_series_is_not_used_and_its_reason_is_told():
    blocked = replace(a_series("d", Channel.DWI), state=GeometryState.BLOCKED, reasons=("It has no positions.",))
    skipped = match(a_study(blocked, a_series("a", Channel.ADC)), [STROKE])[1]
    assert "It has no positions." in skipped[0].reason


def test_a_series_of_another_body_part_is_never_read_as_a_head():
    pelvis = replace(a_series("d", Channel.DWI), body_part="PROSTATE")
    matches, (skipped,) = match(a_study(pelvis, a_series("a", Channel.ADC)), [STROKE])
    assert matches == ()
    assert "PROSTATE" in skipped.reason
    head = replace(pelvis, body_part="HEADNECK")
    assert len(match(a_study(head, a_series("a", Channel.ADC)), [STROKE])[0]) == 1


def test_localizers_and_unknown_channels_feed_nothing():
    localizer = replace(a_series("d", Channel.DWI), kind=SeriesKind.LOCALIZER)
    assert match(a_study(localizer, a_series("u", Channel.UNKNOWN)), [STROKE])[0] == ()


@pytest.mark.parametrize(
    ("region", "words", "others"),
    [
        (Region.HEAD, ("HEAD", "BRAIN", "SKULL", "HEADNECK", "CEREBRUM", ""), ("CHEST", "PROSTATE", "PARTIALBODY")),
        (
            Region.TRUNK,
            ("CHEST", "ABDOMENPELVIS", "CHESTABDPELVIS", "PARTIALBODY", "WHOLEBODY", "LSPINE", "PANCREAS", ""),
            ("HEAD", "HEADNECK", "EXTREMITY", "KNEE", "CSPINE", "NECK"),
        ),
        (Region.PELVIS, ("PELVIS", "ABDOMENPELVIS", "PROSTATE", ""), ("HEAD", "GALLBLADDER", "ABDOMEN", "THIGH")),
        (Region.SMEAR, ("", "BLOOD"), ("HEAD", "CHEST")),
        (Region.ANY, ("", "HEAD", "KNEE", "CHEST"), ()),
    ],
)
def test_a_task_takes_the_body_parts_of_its_region_only(region, words, others):
    task = replace(STROKE, region=region)
    partner = a_series("a", Channel.ADC)
    for word in (*words, *others):
        matches, skipped = match(a_study(replace(a_series("d", Channel.DWI), body_part=word), partner), [task])
        assert bool(matches) == (word in words), word
        assert all(word in one.reason for one in skipped)


def test_an_imported_model_is_asked_for_no_region():
    imported = replace(STROKE, sampling=Sampling("nnunet", plan="plan.json"))
    assert imported.region is Region.ANY
    assert replace(imported, region=Region.TRUNK).region is Region.TRUNK
    knee = replace(a_series("d", Channel.DWI), body_part="KNEE")
    assert len(match(a_study(knee, a_series("a", Channel.ADC)), [imported])[0]) == 1


def optional(task: Task) -> Task:
    first, *others = task.channels
    return replace(task, channels=(first, *(replace(one, optional=True) for one in others)))


TUMOUR = optional(a_task("tumour", "FLAIR", "T1", "T1C", "T2"))


def test_optional_channels_are_fed_where_they_are_there():
    study = a_study(a_series("f", Channel.FLAIR), a_series("c", Channel.T1C))
    (found,), skipped = match(study, [TUMOUR])
    assert skipped == ()
    assert found.inputs == {Channel.FLAIR: "f", Channel.T1: "", Channel.T1C: "c", Channel.T2: ""}
    assert found.missing == {Channel.T1: "", Channel.T2: ""}
    assert found.source.uid == "f"


def test_the_first_channel_is_never_left_out():
    matches, (skipped,) = match(a_study(a_series("c", Channel.T1C)), [TUMOUR])
    assert matches == ()
    assert skipped.reason == "The study has no FLAIR series."


def test_why_an_optional_series_that_is_there_cannot_be_used_is_told():
    elsewhere = a_series("t", Channel.T1, frame="g")
    knee = replace(a_series("c", Channel.T1C), body_part="KNEE")
    (found,), _ = match(a_study(a_series("f", Channel.FLAIR), elsewhere, knee), [TUMOUR])
    assert "another frame of reference" in found.missing[Channel.T1]
    assert "KNEE" in found.missing[Channel.T1C]
    assert found.missing[Channel.T2] == ""


def test_an_axial_series_wins_over_one_with_more_slices():
    sagittal = Geometry.from_axes((90, 64, 64), (2, 2, 2), direction=[[0, 0, 1], [1, 0, 0], [0, -1, 0]])
    study = a_study(a_series("sag", Channel.T2, sagittal), a_series("tra", Channel.T2))
    zones = replace(a_task("zones", "T2"), region=Region.PELVIS)
    assert match(study, [zones])[0][0].source.uid == "tra"


def test_a_series_of_the_region_wins_over_one_of_another():
    knee = replace(a_series("knee", Channel.T2, Geometry.from_axes((90, 64, 64), (2, 2, 2))), body_part="KNEE")
    pelvis = replace(a_series("pelvis", Channel.T2), body_part="PELVIS")
    zones = replace(a_task("zones", "T2"), region=Region.PELVIS)
    assert match(a_study(knee, pelvis), [zones])[0][0].source.uid == "pelvis"
