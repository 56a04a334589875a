"""DICOM objects that hold no image: what they are, in words."""

from __future__ import annotations

from viewer.dicom.image import Header

BY_CLASS = (
    ("1.2.840.10008.5.1.4.1.1.88.", "A structured report: it holds findings in words, no image."),
    ("1.2.840.10008.5.1.4.1.1.481.3", "An RT structure set: it holds contours, no image."),
    ("1.2.840.10008.5.1.4.1.1.481.5", "An RT plan: it holds no image."),
    ("1.2.840.10008.5.1.4.1.1.481.", "A radiotherapy object without an image."),
    ("1.2.840.10008.5.1.4.1.1.104.", "An encapsulated document (PDF, STL or CDA): it holds no image plane."),
    ("1.2.840.10008.5.1.4.1.1.11.", "A presentation state: it says how to show other images."),
    ("1.2.840.10008.5.1.4.1.1.9.", "A waveform: it holds curves, no image."),
    ("1.2.840.10008.5.1.4.1.1.66", "Raw or registration data: it holds no image."),
    ("1.2.840.10008.5.1.4.1.1.67", "A real-world value mapping: it holds no image."),
    ("1.2.840.10008.5.1.4.1.1.91.", "Annotations of a slide: it holds no image."),
)


def without_image(header: Header) -> str:
    """Why no series can show this object, or "" where it has an image."""
    if header.has_pixels:
        return ""
    sop_class = header.images[0].sop_class
    for start, reason in BY_CLASS:
        if sop_class.startswith(start):
            return reason
    return "A DICOM object without an image."
