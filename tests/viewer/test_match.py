from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from inference.result import Kind
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
