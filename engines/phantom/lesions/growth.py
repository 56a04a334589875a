"""How a tumour grows: the traits that tell one kind from another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.phantom.noise import Rng


@dataclass(frozen=True, slots=True)
class Growth:
    """Traits of one tumour.

    Attributes:
        rim: Thickness of what enhances over the tumour's radius; 1.5 and more leave no necrosis.
        lobes: How far its surface strays from a ball, over its radius.
        gaps: Share of the rim that does not enhance.
        bright: Share of what enhances that does so strongly.
        oedema_mm: How far oedema reaches beyond the tumour; 0: none.
        grey_share: How much of the oedema's reach grey matter takes up, 0..1; white matter takes up all.
        blood: Share of the core that holds blood.
        enhances: False for a low-grade tumour, which looks like its oedema.
        outside: True for a mass that grows from the dura.
    """

    rim: float = 0.3
    lobes: float = 0.25
    gaps: float = 0.1
    bright: float = 0.7
    oedema_mm: float = 14.0
    grey_share: float = 0.1
    blood: float = 0.0
    enhances: bool = True
    outside: bool = False


def draw_glioblastoma(rng: Rng) -> Growth:
    """A ring, thin or thick, with necrosis and usually much oedema."""
    u = rng.uniform
    return Growth(
        rim=float(np.exp(u(np.log(0.12), np.log(0.6)))),
        lobes=u(0.12, 0.4),
        gaps=u(0.0, 0.3),
        bright=u(0.35, 1.0),
        oedema_mm=u(3, 30) if rng.random() < 0.85 else 0.0,
        grey_share=u(0.02, 0.3),
        blood=u(0.0, 0.5) if rng.random() < 0.25 else 0.0,
    )


def draw_solid(rng: Rng) -> Growth:
    """A small mass that enhances all through, with or without oedema."""
    u = rng.uniform
    return Growth(
        rim=2.0,
        lobes=u(0.1, 0.45),
        gaps=u(0.0, 0.25),
        bright=u(0.3, 1.0),
        oedema_mm=u(2, 24) if rng.random() < 0.6 else 0.0,
        grey_share=u(0.02, 0.3),
    )


def draw_low_grade(rng: Rng) -> Growth:
    """A tumour without enhancement."""
    u = rng.uniform
    return Growth(lobes=u(0.15, 0.45), oedema_mm=u(0, 8), grey_share=u(0.2, 0.8), enhances=False)


def draw_dural(rng: Rng) -> Growth:
    """A smooth mass on the dura that enhances evenly."""
    u = rng.uniform
    oedema = u(3, 22) if rng.random() < 0.5 else 0.0
    return Growth(rim=2.0, lobes=u(0.05, 0.2), gaps=0.0, bright=u(0.6, 1.0), oedema_mm=oedema, outside=True)
