"""Mass effect: what grows inside the skull pushes the brain towards the other side."""

from __future__ import annotations

import numpy as np

from engines.phantom.canvas import Canvas
from engines.phantom.lesions.bleeding import bleed_centre
from engines.phantom.lesions.glioma import glioma_centre
from engines.phantom.lesions.plan import LesionKind, LesionSpec
from engines.phantom.lesions.tumour import tumour_centre
from engines.phantom.noise import Rng

OUTSIDE = (LesionKind.EDH, LesionKind.SDH)
LARGEST_MM = 10.0


def push_brain(canvas: Canvas, spec: LesionSpec, rng: Rng) -> None:
    """Shift the brain round the place where `spec` will be painted by a painter that gets an equal `rng`."""
    if spec.kind in (*OUTSIDE, LesionKind.IPH):
        centre = bleed_centre(rng, spec)
    elif spec.growth is not None:
        centre = glioma_centre(rng, spec)
    elif spec.kind is LesionKind.TUMOUR:
        centre = tumour_centre(rng, spec)
    else:
        return
    share, reach = (0.15, 42.0) if spec.kind in OUTSIDE else (0.09, 32.0)
    amount = min(share * spec.ml, LARGEST_MM)
    canvas.push(centre, (-float(np.sign(centre[0])) * amount, 0.0, 0.0), reach)
