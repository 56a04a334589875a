"""Which decoder reads which transfer syntax, and what must be true before gdcm is let near a stream.

gdcm ends the whole process where a stream is smaller than its header says. So it is used last, and for the kinds of
JPEG that only it (or its copy in SimpleITK) decodes, the size in the stream (ISO/IEC 10918-1, B.2.2) is compared with
the header first.
"""

from __future__ import annotations

from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder

from viewer.dicom import values

ORDER = ("pydicom", "pyjpegls", "pylibjpeg", "pillow", "gdcm")
FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
CHECKED = (uid.JPEGLossless, uid.JPEGLosslessSV1, uid.JPEGExtended12Bit)


def plugin_for(syntax: uid.UID) -> str:
    """The first decoder in our order that is installed, or "" where none is.

    Raises:
        NotImplementedError: pydicom knows no decoder at all for this syntax.
    """
    available = get_decoder(syntax).available_plugins
    return next((name for name in ORDER if name in available), "")


def require_true_size(data: Dataset, syntax: uid.UID, frame: int) -> None:
    """Refuse a JPEG frame whose own size is not that of the header.

    Raises:
        ValueError: The sizes differ, or the stream has no frame header.
    """
    if syntax not in CHECKED:
        return
    count = max(values.whole(data, "NumberOfFrames", 1), 1)
    stream = get_frame(data.PixelData, frame, number_of_frames=count)
    bits, *size = jpeg_frame(stream)
    stated = [values.whole(data, name) for name in ("Rows", "Columns", "SamplesPerPixel")]
    room = values.whole(data, "BitsAllocated")
    if size != stated or not ((room == 8 and bits <= 8) or (room == 16 and 8 < bits <= 16)):
        raise ValueError("the JPEG stream and the header differ in size")


def jpeg_frame(stream: bytes) -> tuple[int, int, int, int]:
    """Precision, rows, columns and components from the frame header of a JPEG stream.

    Raises:
        ValueError: There is none.
    """
    at = 2
    while at + 10 <= len(stream) and stream[at] == 0xFF:
        marker, length = stream[at + 1], int.from_bytes(stream[at + 2 : at + 4], "big")
        if marker in FRAME_MARKERS:
            rows, columns = (int.from_bytes(stream[at + start : at + start + 2], "big") for start in (5, 7))
            return stream[at + 4], rows, columns, stream[at + 9]
        at += 2 + length if length >= 2 else len(stream)
    raise ValueError("the JPEG stream has no frame header")
