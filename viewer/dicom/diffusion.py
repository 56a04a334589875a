"""The b-value of a diffusion image: the standard's attribute first, then what the vendors wrote before it existed.

Private attributes as published in the vendors' conformance statements: Siemens (0019,100C) under "SIEMENS MR HEADER",
GE (0043,1039) under "GEMS_PARM_01" (1e9 is added to mark the encoding), Philips (2001,1003) under
"Philips Imaging DD 001", United Imaging (0065,1009) under "Image Private Header".
"""

from __future__ import annotations

import re

from pydicom.dataset import Dataset

from viewer.dicom import values

SIEMENS, GE, PHILIPS, UNITED = (0x0019, 0x100C), (0x0043, 0x1039), (0x2001, 0x1003), (0x0065, 0x1009)
CREATORS = {
    SIEMENS: "SIEMENS MR HEADER",
    GE: "GEMS_PARM_01",
    PHILIPS: "PHILIPS IMAGING DD 001",
    UNITED: "IMAGE PRIVATE HEADER",
}
MAKERS = {SIEMENS: "SIEMENS", GE: "GE ", PHILIPS: "PHILIPS", UNITED: "UIH"}
PRIVATE_TAGS = [*CREATORS, *((group, 0x0010) for group, _ in CREATORS)]
GE_MARK = 1_000_000_000
LARGEST = 20_000
SEQUENCE_NAME = re.compile(r"(?:^|_)b(\d{1,5})(?:t|$|#|_)", re.IGNORECASE)


def b_value(data: Dataset, sequence_name: str = "") -> float | None:
    """b in s/mm2, or None where neither the standard's nor a vendor's attribute states it."""
    standard = values.number(data, "DiffusionBValue")
    if standard is not None and 0 <= standard <= LARGEST:
        return standard
    if "DiffusionDirectionality" in data and values.text(data, "DiffusionDirectionality") == "NONE":
        return 0.0
    for key, creator in CREATORS.items():
        found = _private(data, key, creator)
        if found is not None:
            return found
    named = SEQUENCE_NAME.search(sequence_name)
    return float(named.group(1)) if named and "ep" in sequence_name.lower() else None


def _private(data: Dataset, key: tuple[int, int], creator: str) -> float | None:
    if not _is_of(data, key, creator):
        return None
    found = values.number(data, key)
    if found is None:
        return None
    b = found % GE_MARK if key == GE else found
    return b if 0 <= b <= LARGEST else None


def _is_of(data: Dataset, key: tuple[int, int], creator: str) -> bool:
    """Whether the private block is the vendor's: by its creator, or by the maker where anonymising took the creator."""
    named = values.text(data, (key[0], key[1] >> 8)).upper()
    maker = values.text(data, "Manufacturer").upper() + " "
    return named == creator if named else maker.startswith(MAKERS[key])
