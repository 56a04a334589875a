"""What a file name says of its content. A name is all that research formats have; where it is unclear: UNKNOWN."""

from __future__ import annotations

import re

from inference.volume import Channel

MASK = re.compile(r"(?:^|[^a-z])(?:mask|label|seg|lesion|predict|roi|gt(?![a-z]))|(?:mask|label|labels|seg)$", re.I)
B0 = re.compile(r"(?:^|[^a-z0-9])b[ =_-]?0{1,4}(?![0-9])", re.I)
ENHANCED = frozenset({"gd", "gad", "ce", "post", "contrast", "postcontrast", "km", "gadolinium"})
WORDS = {
    Channel.CT: frozenset({"ct", "ncct"}),
    Channel.T1: frozenset({"t1", "t1w", "t1n", "mprage", "mp2rage"}),
    Channel.T1C: frozenset({"t1c", "t1ce", "t1gd", "t1km", "t1post", "t1wce"}),
    Channel.T2: frozenset({"t2", "t2w"}),
    Channel.FLAIR: frozenset({"flair", "t2f", "t2flair"}),
    Channel.DWI: frozenset({"dwi"}),
    Channel.ADC: frozenset({"adc"}),
}
SUFFIXES = (".nii.gz", ".nii", ".nrrd", ".nhdr", ".mha", ".mhd")


def stem_of(name: str) -> str:
    """The name without its format's suffix."""
    lower = name.lower()
    for suffix in SUFFIXES:
        if lower.endswith(suffix):
            return name[: -len(suffix)]
    return name


def names_a_mask(stem: str) -> bool:
    return MASK.search(stem) is not None


def names_b0(stem: str) -> bool:
    return B0.search(stem) is not None


def channel_named(stem: str) -> Channel:
    """The one channel that the words of a name agree on, else UNKNOWN."""
    words = set(re.split(r"[^a-z0-9]+", stem.lower()))
    named = {channel for channel, known in WORDS.items() if words & known}
    if Channel.FLAIR in named:
        named.discard(Channel.T2)
    if Channel.T1 in named and words & ENHANCED:
        named = named - {Channel.T1} | {Channel.T1C}
    if Channel.T1C in named:
        named.discard(Channel.T1)
    return named.pop() if len(named) == 1 else Channel.UNKNOWN
