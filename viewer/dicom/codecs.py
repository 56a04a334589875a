"""Which DICOM transfer syntaxes can be decoded here, and by what."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom import uid
from pydicom.pixels.decoders.base import get_decoder

SYNTAXES = (
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.DeflatedExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.RLELossless,
    uid.JPEGBaseline8Bit,
    uid.JPEGExtended12Bit,
    uid.JPEGLossless,
    uid.JPEGLosslessSV1,
    uid.JPEGLSLossless,
    uid.JPEGLSNearLossless,
    uid.JPEG2000Lossless,
    uid.JPEG2000,
    uid.HTJ2KLossless,
    uid.HTJ2K,
)


@dataclass(frozen=True, slots=True)
class Codec:
    """One transfer syntax (DICOM PS3.5, section 10 and annex A).

    Attributes:
        uid: The transfer syntax UID.
        name: As the standard's registry names it (PS3.6, annex A).
        decodes: Whether pixel data in it can be read here.
        by: The decoders that can; empty for uncompressed data, which need none.
    """

    uid: str
    name: str
    decodes: bool
    by: tuple[str, ...]


def codecs() -> tuple[Codec, ...]:
    """The syntaxes in the order above."""
    return tuple(_codec(syntax) for syntax in SYNTAXES)


def _codec(syntax: uid.UID) -> Codec:
    decoder = get_decoder(syntax)
    return Codec(str(syntax), syntax.name, decoder.is_available, tuple(decoder.available_plugins))
