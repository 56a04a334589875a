"""What a series shows, from its header alone; where the header is silent or contradicts itself: UNKNOWN, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from inference.volume import Channel
from viewer.dicom.image import Image

HIGH_B = 500.0
NOT_HU = re.compile(r"\b(r?cbf|r?cbv|mtt|ttp|tmax|iodine|vnc|monoenergetic|rho|zeff|effective z)\b", re.I)
ADC_UNITS = {
    "mm2/s": "mm2/s",
    "1e-3mm2/s": "1e-3 mm2/s",
    "10-3mm2/s": "1e-3 mm2/s",
    "10^-3mm2/s": "1e-3 mm2/s",
    "1e-6mm2/s": "1e-6 mm2/s",
    "10-6mm2/s": "1e-6 mm2/s",
    "10^-6mm2/s": "1e-6 mm2/s",
    "um2/s": "1e-6 mm2/s",
    "µm2/s": "1e-6 mm2/s",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """Channel, unit of the values after rescale, and what had to be left open."""

    channel: Channel
    unit: str = ""
    reasons: tuple[str, ...] = ()


def recognise(image: Image, diffusion: bool = False) -> Shown:
    """Judge a series by one of its images.

    Args:
        image: Any image of the series.
        diffusion: Other images of its DICOM series have a b-value above 0, so that its own b = 0 means something
            (some vendors write b = 0 into every MR image).
    """
    if image.modality == "CT":
        return _ct(image)
    if image.modality == "MR":
        return _mr(image, diffusion)
    return Shown(Channel.UNKNOWN)


def _ct(image: Image) -> Shown:
    """HU needs a stated rescale; RescaleType is required only where it is not HU (DICOM PS3.3 C.8.2.1)."""
    named = NOT_HU.search(f"{image.description} {image.protocol} {' '.join(image.image_type)}")
    if named:
        return _open(f"This CT series is named {named.group(1).upper()}: its values are not HU.")
    if image.slope is None or image.intercept is None:
        return _open("The CT header states no rescale: its values are not known to be HU.")
    if image.rescale_type.upper() not in ("", "HU"):
        return _open(f"The CT header states the unit {image.rescale_type}, not HU.")
    return Shown(Channel.CT, "HU")


def _open(reason: str) -> Shown:
    return Shown(Channel.UNKNOWN, "", (reason,))


def _mr(image: Image, diffusion: bool) -> Shown:
    told = f"{image.description} | {image.protocol}".lower()
    types = set(image.image_type)
    if types & {"ADC", "ADC_UNSPECIFIED"} or re.search(
        r"(?<![a-z])(d?adc|apparent diffusion)(?![a-z])", image.description, re.I
    ):
        return _adc(image)
    if types & {"EADC", "FA", "EXP", "PHASE", "PHASE MAP", "P", "VELOCITY"} or _has(
        told, r"eadc|exponential|fa map|fa|colfa|tensor"
    ):
        return _open("A map derived from other images: its contrast is not one that tasks know.")
    if diffusion or _is_diffusion(image, types, told):
        return _diffusion(image)
    if _has(told, OTHER_CONTRASTS):
        return _open("The description names a contrast that tasks do not know.")
    named = _weighted(told) or _stated(image) or _from_times(image)
    if named is None:
        return _open("The header does not say which MR contrast this is.")
    if named is Channel.T1 and (image.contrast_agent or _has(told, ENHANCED)):
        return Shown(Channel.T1C)
    return Shown(named)


OTHER_CONTRASTS = (
    r"t2\s?\*|t2[ _-]?star|swi|swan|t2[ _-]?gre|hemo|bold|fmri|resting|asl|pcasl|dsc|dce|perf\w*|pwi|tof|mra|angio\w*|"
    r"field ?map\w*|b0 ?map|phase|pd|proton|stir|mip|spectro\w*|mrs|mag|qsm|t1 ?map|t2 ?map|molli|rage ?map|"
    r"subtraction|sub"
)
ENHANCED = r"gd|gad\w*|post|ce|c\+|\+c|\+ c|t1c|t1ce|t1gd|km|contrast|dotarem|gadovist|magnevist|enhanced"
T1_WORDS = r"t1|t1w|t1c|t1ce|t1gd|mprage|memprage|mp-?rage|bravo|t1[_ -]\w*|fspgr|3dt1|spgr"
T2_WORDS = r"t2|t2w|t2[_ -]\w*"
FLAIR_WORDS = r"flair|dark[ _-]?fluid|t2flair|flair\w*|t2_?flair|t2f"


def _has(told: str, pattern: str) -> bool:
    """Whether one of the words stands in the text, not inside a longer word."""
    return re.search(rf"(?<![a-z0-9])(?:{pattern})(?![a-z0-9*])", told.replace("_", " ").replace("-", " ")) is not None


def _is_diffusion(image: Image, types: set[str], told: str) -> bool:
    if types & {"DIFFUSION", "TRACEW", "ISOTROPIC", "ANISOTROPIC"} or image.acquisition_contrast == "DIFFUSION":
        return True
    return _has(told, r"dwi|diff\w*|dti|resolve|trace\w*|\w*diff|ep2ddiff\w*") or (image.b_value or 0.0) > 0


def _diffusion(image: Image) -> Shown:
    if image.b_value is None:
        return _open("A diffusion image whose header states no b-value.")
    if image.b_value < HIGH_B:
        return _open(f"A diffusion image with b = {image.b_value:g} s/mm2: too low for DWI (from {HIGH_B:g}).")
    if image.directional:
        return _open("A diffusion image of one direction alone: not a trace image.")
    return Shown(Channel.DWI)


def _adc(image: Image) -> Shown:
    """The unit is taken where the header states it with its magnitude, never from the size of the values."""
    for stated in (image.units_code, image.rescale_type):
        unit = ADC_UNITS.get(stated.replace(" ", "").replace("*", "").lower())
        if unit:
            return Shown(Channel.ADC, unit)
    return Shown(Channel.ADC, "", ("The header does not state the unit of the ADC values.",))


def _weighted(told: str) -> Channel | None:
    """T1, T2 or FLAIR from words of the description; None where none or several are named."""
    t1, t2, flair = _has(told, T1_WORDS), _has(told, T2_WORDS), _has(told, FLAIR_WORDS)
    if t1 and not t2:
        return Channel.T1
    if flair and not t1:
        return Channel.FLAIR
    return Channel.T2 if t2 and not t1 else None


def _stated(image: Image) -> Channel | None:
    """AcquisitionContrast of Enhanced MR (DICOM PS3.3 C.8.13.3.2); echo-planar series that say T2 are mostly T2*."""
    if image.echo_planar or set(image.image_type) & {"B0", "B0 MAP", "FIELD_MAP", "M_B0"}:
        return None
    return {"T1": Channel.T1, "T2": Channel.T2, "FLUID_ATTENUATED": Channel.FLAIR}.get(image.acquisition_contrast)


def _from_times(image: Image) -> Channel | None:
    """Only plain spin echo, and only far away from the borders between weightings."""
    tr, te, ti = image.repetition_time, image.echo_time, image.inversion_time
    if tr is None or te is None or "SE" not in image.scanning_sequence or set(image.scanning_sequence) & {"EP", "GR"}:
        return None
    if "IR" in image.scanning_sequence or ti:
        return Channel.FLAIR if ti and ti >= 1700 and te >= 75 and tr >= 6000 else None
    if tr <= 800 and te <= 25:
        return Channel.T1
    return Channel.T2 if tr >= 2500 and te >= 75 else None
