"""CT-ORG (Rister et al. 2020) as The Cancer Imaging Archive holds it.

    DIR/volume-0.nii.gz   DIR/labels-0.nii.gz   ...   or both kinds of files below DIR/OrganSegmentations

Its README makes cases 0 to 20 the test part: their lungs and bones alone were outlined by hand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engines.training.readers.cases import MaskCase, Split, mask_case, scan
from engines.training.readers.volume_file import one_volume, stem_of, volume_files
from inference.errors import InputRefused

INNER = "OrganSegmentations"
ORGANS = {1: "liver", 2: "bladder", 3: "lungs", 4: "kidneys", 5: "bone", 6: "brain"}
LAST_TEST_CASE = 20


def read_ctorg(folder: Path, labels: Sequence[str]) -> Split[MaskCase]:
    """All cases; the set's own test part is held out.

    Args:
        labels: The organs wanted, in the order of their new values; others become background. None: all six.

    Raises:
        InputRefused: A scan or an outline is missing, or one of the two parts is empty.
        GeometryMismatch: An outline does not lie on its scan's grid.
    """
    inside = folder / INNER if (folder / INNER).is_dir() else folder
    numbers = sorted(
        int(found.group(1)) for file in volume_files(inside) if (found := re.fullmatch(r"volume-(\d+)", stem_of(file)))
    )
    wanted = tuple(labels) or tuple(ORGANS.values())
    unknown = sorted(set(wanted) - set(ORGANS.values()))
    if unknown:
        raise InputRefused(f"CT-ORG has no label {unknown[0]!r}.", f"Choose from {', '.join(ORGANS.values())}.")
    cases = {number: _case(inside, number, wanted) for number in numbers}
    held_out = tuple(case for number, case in cases.items() if number <= LAST_TEST_CASE)
    train = tuple(case for number, case in cases.items() if number > LAST_TEST_CASE)
    if not train or not held_out:
        raise InputRefused(
            "CT-ORG needs cases of its test part (0 to 20) and later ones.", "Unpack the set as it was downloaded."
        )
    return Split(train, held_out)


def _case(folder: Path, number: int, wanted: Sequence[str]) -> MaskCase:
    image, outline = (one_volume(folder, f"{kind}-{number}") for kind in ("volume", "labels"))
    if image is None or outline is None:
        raise InputRefused(f"Case {number} of CT-ORG has no labels-{number}.nii.gz.", "Unpack the set again.")
    name = f"case-{number}"
    renumbered = {value: wanted.index(organ) + 1 if organ in wanted else 0 for value, organ in ORGANS.items()}
    return mask_case(name, name, [scan(image, "CT")], outline, dict(enumerate(wanted, start=1)), renumbered)
