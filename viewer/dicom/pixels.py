"""One frame: stored bits -> float32 in the unit of the series, and where nothing was measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels.utils import iter_pixels
from pydicom.tag import Tag
from pydicom.uid import UID, JPEGExtended12Bit

from inference.errors import InputRefused
from inference.volume import Floats
from viewer.dicom import values
from viewer.dicom.decoders import plugin_for, require_true_size
from viewer.dicom.functional import frame_items, item_of
from viewer.dicom.keywords import PIXEL_KEYWORDS
from viewer.dicom.quiet import quiet

CT_FILL = -1024.0
CT_IMPOSSIBLE = -2000.0
TAGS = [Tag(keyword) for keyword in PIXEL_KEYWORDS]
HINT = "Export the series again from the archive or the scanner."
Stored = NDArray[np.integer]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A frame ready for the volume.

    Attributes:
        values: float32 [rows, columns] after rescale, `fill` on padding.
        measured: False on padding, or None where there is none.
    """

    values: Floats
    measured: Mask | None


class PixelFile:
    """One DICOM file opened for its pixels.

    Raises:
        InputRefused: The file is gone or damaged, or no decoder for its transfer syntax is installed.
    """

    def __init__(self, file: Path, fill: float, is_hu: bool) -> None:
        self._fill, self._is_hu = fill, is_hu
        self._decoded: Stored | None = None
        with quiet():
            try:
                self._data = dcmread(file, specific_tags=TAGS, force=True)
            except Exception as error:  # any failure of the parser means a damaged or missing file
                raise self._damaged(error) from None
            self._items = frame_items(self._data)
            self._shared = values.first(self._data, "SharedFunctionalGroupsSequence")
        self._syntax = values.value(getattr(self._data, "file_meta", Dataset()), "TransferSyntaxUID")
        self._plugin = self._chosen_plugin()

    def plane(self, frame: int) -> Plane:
        """Decode one frame and apply rescale and padding."""
        with quiet():
            try:
                return self._rescaled(significant_bits(self._stored(frame), self._data), frame)
            except Exception as error:  # decoders raise many kinds of error on damaged streams
                raise self._damaged(error) from None

    def _stored(self, frame: int) -> Stored:
        try:
            if self._plugin:
                require_true_size(self._data, self._syntax, frame)
            frames = iter_pixels(
                self._data, indices=[frame], raw=True, decoding_plugin=self._plugin, correct_unused_bits=False
            )
            stored: Stored = next(frames)
            return stored
        except RuntimeError:
            if self._syntax != JPEGExtended12Bit:
                raise
            if self._decoded is None:
                from viewer.dicom import extended  # brings SimpleITK, for this rare syntax only

                self._decoded = extended.decode(self._data)
            return np.asarray(self._decoded[frame])

    def _rescaled(self, stored: Stored, frame: int) -> Plane:
        slope, intercept = self._rescale(frame)
        plane = stored.astype(np.float32)
        if slope != 1.0:
            plane *= np.float32(slope)
        if intercept != 0.0:
            plane += np.float32(intercept)
        padded = padding(stored, self._data)
        if self._is_hu and plane.min() <= CT_IMPOSSIBLE:
            impossible = plane <= CT_IMPOSSIBLE
            padded = impossible if padded is None else padded | impossible
        if padded is None or not padded.any():
            return Plane(plane, None)
        plane[padded] = self._fill
        return Plane(plane, ~padded)

    def _rescale(self, frame: int) -> tuple[float, float]:
        """Modality LUT of one frame (DICOM PS3.3 C.11.1; per frame in C.7.6.16.2.9). A slope of 0 says nothing: 1."""
        source: Dataset = self._data
        if self._items:
            source = item_of(self._shared, self._items[frame], "PixelValueTransformationSequence")
        slope, intercept = values.number(source, "RescaleSlope"), values.number(source, "RescaleIntercept")
        return slope or 1.0, intercept or 0.0

    def _chosen_plugin(self) -> str:
        syntax = self._syntax
        if (
            not isinstance(syntax, UID)
            or not syntax.is_transfer_syntax
            or not syntax.is_compressed
            or syntax.is_deflated
        ):
            return ""
        try:
            plugin = plugin_for(syntax)
        except NotImplementedError:
            plugin = ""
        if not plugin:
            raise InputRefused(
                f"No decoder for the transfer syntax {syntax.name} ({syntax}) is installed.",
                "Install python-gdcm, pylibjpeg-openjpeg and pyjpegls, or export the series uncompressed.",
            )
        return plugin

    def _damaged(self, error: Exception) -> InputRefused:
        return InputRefused(f"The pixels of one image cannot be decoded ({type(error).__name__}).", HINT)


def significant_bits(stored: Stored, data: Dataset) -> Stored:
    """Keep the bits that hold the value (BitsStored up to HighBit) and extend the sign (DICOM PS3.5 8.1.1).

    Bits above may hold old overlays or rubbish. Decoded streams have no rubbish and pass unchanged.
    """
    kept = values.whole(data, "BitsStored")
    allocated = stored.dtype.itemsize * 8
    if not 0 < kept < allocated:
        return stored
    high = values.whole(data, "HighBit", kept - 1)
    below = max(high + 1 - kept, 0)
    signed = values.whole(data, "PixelRepresentation") == 1
    kind = np.dtype(f"{'i' if signed else 'u'}{stored.dtype.itemsize}")
    bits = stored.astype(stored.dtype.newbyteorder("="), copy=False).view(kind)
    return np.asarray((bits << (allocated - kept - below)) >> (allocated - kept))


def padding(stored: Stored, data: Dataset) -> Mask | None:
    """True where PixelPaddingValue (or its range) says that nothing was measured (DICOM PS3.3 C.7.5.1.1.2)."""
    value = values.number(data, "PixelPaddingValue")
    if value is None:
        return None
    limit = values.number(data, "PixelPaddingRangeLimit")
    low, high = sorted(_as_stored(edge, data) for edge in (value, value if limit is None else limit))
    return np.asarray(stored == low) if low == high else np.asarray((stored >= low) & (stored <= high))


def _as_stored(value: float, data: Dataset) -> int:
    """A header may give -2000 as 63536: bring it to the sign of the pixels."""
    bits = values.whole(data, "BitsAllocated", 16)
    whole = int(value)
    if values.whole(data, "PixelRepresentation") == 1:
        return whole - (1 << bits) if whole >= 1 << (bits - 1) else whole
    return whole + (1 << bits) if whole < 0 else whole
