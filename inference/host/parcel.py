"""A job's volumes on their way to the host, and its answer on the way back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from inference.errors import BadOutput, EngineError
from inference.host.messages import Answer, ArrayNote, MadeNote, MaskNote, VolumeNote
from inference.host.segments import Segment
from inference.result import Kind, Result
from inference.task import Task
from inference.volume import Channel, Mask, Volume

# What the answer's memory holds before the host writes it: no network's answer looks like that.
_UNWRITTEN_LABEL = 255


class Parcel:
    """The viewer's side: shares volumes and takes the answer out. Use it in a `with`; it leaves nothing behind.

    Args:
        volumes: Those of the task's channels.

    Raises:
        MemoryRefused: The system has no shared memory for them.
    """

    def __init__(self, task: Task, volumes: Mapping[Channel, Volume]) -> None:
        self._task = task
        self._sent: list[Segment] = []
        self._answer: Segment | None = None
        wanted = [spec.channel for spec in task.channels if spec.channel in volumes]
        self._source = volumes[wanted[0]] if wanted else None
        frames = _stand_ins(volumes[channel].geometry.frame_of_reference for channel in wanted)
        try:
            self.volumes = tuple(self._note(channel, volumes[channel], frames) for channel in dict.fromkeys(wanted))
            self._answer = _answer_segment(task.kind, self._source)
        except BaseException:
            self.close()
            raise

    @property
    def answer(self) -> ArrayNote | None:
        return self._answer.note if self._answer is not None else None

    def taken(self) -> None:
        """The host holds everything now: what was sent is let go, and no name stays."""
        for segment in self._sent:
            segment.close()
        self._sent.clear()
        if self._answer is not None:
            self._answer.hide()

    def result(self, answer: Answer) -> Result:
        """The result with its array, on the source's own grid.

        Raises:
            BadOutput: The host said done and wrote nothing, or something that is no answer.
        """
        if self._answer is None or self._source is None or answer.note is None:
            return answer.result
        source, array, note = self._source, self._answer.array.copy(), answer.note
        if isinstance(note, MaskNote):
            _require_labels(array, note)
            return replace(answer.result, mask=Mask(array, source.geometry, dict(note.names)))
        _require_numbers(array)
        return replace(
            answer.result,
            volume=Volume(
                array, source.geometry, note.channel, note.unit, note.name, note.synthetic, valid=source.valid
            ),
        )

    def close(self) -> None:
        """Let go of everything."""
        self.taken()
        if self._answer is not None:
            self._answer.close()
            self._answer = None

    def __enter__(self) -> Parcel:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _note(self, channel: Channel, volume: Volume, frames: Mapping[str, str]) -> VolumeNote:
        valid = None if volume.valid is None else self._share(np.asarray(volume.valid, dtype=bool))
        grid = volume.geometry
        return VolumeNote(
            channel,
            self._share(volume.voxels),
            valid,
            replace(grid, frame_of_reference=frames[grid.frame_of_reference]),
            volume.channel,
            volume.unit,
            volume.synthetic,
            None if volume.colour is None else self._share(volume.colour),
        )

    def _share(self, array: NDArray[np.float32] | NDArray[np.bool_] | NDArray[np.uint8]) -> ArrayNote:
        segment = Segment.make(array.shape, array.dtype.str)
        self._sent.append(segment)
        np.copyto(segment.array, array)
        return segment.note


class Opened:
    """The host's side of a parcel."""

    def __init__(self, notes: tuple[VolumeNote, ...], answer: ArrayNote | None) -> None:
        self._segments: list[Segment] = []
        try:
            self.volumes = {note.channel: self._volume(note) for note in notes}
            self._answer = None if answer is None else self._open(answer)
        except BaseException:
            self.close()
            raise

    def pack(self, result: Result) -> Answer:
        """Write the result's array where it is awaited; what is left of the result crosses as a message.

        Raises:
            EngineError: The array does not fit the source's grid.
        """
        if result.mask is not None:
            self._write(result.mask.labels)
            return Answer(replace(result, mask=None), MaskNote(tuple(result.mask.names.items())))
        if result.volume is not None:
            self._write(result.volume.voxels)
            made = result.volume
            return Answer(replace(result, volume=None), MadeNote(made.channel, made.unit, made.name, made.synthetic))
        return Answer(result, None)

    def close(self) -> bool:
        """Unmap everything; False while a library still holds an array, then ask again later."""
        self.volumes = {}
        self._answer = None
        self._segments = [segment for segment in self._segments if not segment.unmap()]
        return not self._segments

    def _write(self, array: NDArray[np.float32] | NDArray[np.uint8]) -> None:
        room = self._answer
        if room is None or array.shape != room.shape or array.dtype != room.dtype:
            raise EngineError("The answer does not lie on the source's grid.", "Choose another task or backend.")
        np.copyto(room, array)

    def _open(self, note: ArrayNote) -> NDArray[np.float32]:
        segment = Segment.open(note)
        self._segments.append(segment)
        return segment.array

    def _volume(self, note: VolumeNote) -> Volume:
        # A pickled array comes back writable; making the geometry anew freezes it.
        return Volume(
            self._open(note.voxels),
            replace(note.geometry),
            note.shows,
            note.unit,
            synthetic=note.synthetic,
            valid=None if note.valid is None else self._open(note.valid).view(np.bool_),
            colour=None if note.colour is None else self._open(note.colour).view(np.uint8),
        )


def _stand_ins(frames: Iterable[str]) -> dict[str, str]:
    """Frames of reference are told apart in the host, and their UIDs, which lead to a patient, stay here."""
    named = [frame for frame in dict.fromkeys(frames) if frame]
    return {"": "", **{frame: f"frame {number}" for number, frame in enumerate(named, start=1)}}


def _answer_segment(kind: Kind, source: Volume | None) -> Segment | None:
    if source is None or kind is Kind.BOXES:
        return None
    mask = kind is Kind.MASK
    segment = Segment.make(source.geometry.shape, "|u1" if mask else "<f4")
    segment.array.fill(_UNWRITTEN_LABEL if mask else np.nan)
    return segment


def _require_numbers(voxels: NDArray[np.float32]) -> None:
    if not np.isfinite(voxels).all():
        raise BadOutput("The engine's answer holds values that are not numbers.", "Run it again in fp32.")


def _require_labels(labels: NDArray[np.uint8], note: MaskNote) -> None:
    if int(labels.max(initial=0)) > max(dict(note.names), default=0):
        raise BadOutput("The engine's mask holds labels that its task does not know.", "Run the task again.")
