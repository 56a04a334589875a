"""What the head is made of: HU, proton density, relaxation and diffusion of every tissue.

Relaxation at 1.5 T and 3 T follows Stanisz et al. 2005 (Magn Reson Med 54:507, table 1) and Wansapura et al. 1999
(J Magn Reson Imaging 9:531) rounded; ADC follows Helenius et al. 2002 (AJNR 23:194, table 2); HU are those of
non-contrast head CT at 120 kV.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Tissue(Enum):
    """One material."""

    AIR = "air"
    SKIN = "skin"
    FAT = "fat"
    MUSCLE = "muscle"
    BONE = "bone"
    DIPLOE = "diploe"
    PETROUS = "petrous"
    MUCOSA = "mucosa"
    DURA = "dura"
    CSF = "csf"
    GREY = "grey"
    WHITE = "white"
    TRACT = "tract"
    CAUDATE = "caudate"
    PALLIDUM = "pallidum"
    THALAMUS = "thalamus"
    STEM = "stem"
    FOLIA = "folia"
    VITREOUS = "vitreous"
    LENS = "lens"
    BLOOD = "blood"
    VESSEL = "vessel"
    CALCIUM = "calcium"
    PLEXUS = "plexus"
    LEUKOARAIOSIS = "leukoaraiosis"
    INFARCT_RIM = "infarct rim"
    INFARCT_ACUTE = "infarct acute"
    INFARCT_SUBACUTE = "infarct subacute"
    INFARCT_OLD = "infarct old"
    GLIOSIS = "gliosis"
    CLOT = "clot"
    CLOT_OLD = "clot old"
    BLOODY_CSF = "bloody csf"
    OEDEMA = "oedema"
    TUMOUR = "tumour"
    NECROSIS = "necrosis"
    TUMOUR_FAINT = "tumour faint"
    TUMOUR_BLOOD = "tumour blood"


@dataclass(frozen=True, slots=True)
class Properties:
    """Physics of one tissue.

    Attributes:
        hu: Hounsfield units.
        pd: Proton density, water = 1.
        t1_ms: T1 at 1.5 T and 3 T.
        t2_ms: T2, ms.
        adc: Trace diffusion, 1e-3 mm2/s.
        enhances: Factor on T1 after contrast (1 = none).
    """

    hu: float
    pd: float
    t1_ms: tuple[float, float]
    t2_ms: float
    adc: float
    enhances: float = 1.0


PROPERTIES: dict[Tissue, Properties] = {
    Tissue.AIR: Properties(-1000, 0.0, (1000, 1000), 1, 0.0),
    Tissue.SKIN: Properties(48, 0.55, (700, 900), 40, 0.9),
    Tissue.FAT: Properties(-95, 0.82, (280, 370), 135, 0.1),
    Tissue.MUSCLE: Properties(55, 0.75, (950, 1250), 38, 1.3),
    Tissue.BONE: Properties(1350, 0.06, (900, 1000), 5, 0.4),
    Tissue.DIPLOE: Properties(640, 0.40, (450, 550), 55, 0.3),
    Tissue.PETROUS: Properties(1600, 0.04, (900, 1000), 5, 0.4),
    Tissue.MUCOSA: Properties(30, 0.85, (1200, 1500), 95, 1.5, 0.5),
    Tissue.DURA: Properties(58, 0.45, (900, 1100), 30, 0.7, 0.45),
    Tissue.CSF: Properties(6, 1.00, (4000, 4300), 1600, 3.0),
    Tissue.GREY: Properties(39, 0.81, (1080, 1480), 86, 0.90),
    Tissue.WHITE: Properties(29.5, 0.715, (660, 900), 79, 0.74),
    Tissue.TRACT: Properties(30, 0.73, (690, 930), 85, 0.71),
    Tissue.CAUDATE: Properties(39.5, 0.79, (1030, 1380), 80, 0.77),
    Tissue.PALLIDUM: Properties(38, 0.71, (850, 1080), 62, 0.78),
    Tissue.THALAMUS: Properties(37, 0.775, (880, 1180), 79, 0.76),
    Tissue.STEM: Properties(32, 0.74, (760, 1010), 80, 0.74),
    Tissue.FOLIA: Properties(38, 0.82, (1020, 1380), 86, 0.78),
    Tissue.VITREOUS: Properties(9, 0.99, (3200, 3600), 1100, 2.6),
    Tissue.LENS: Properties(75, 0.55, (900, 1100), 35, 0.8),
    Tissue.BLOOD: Properties(50, 0.30, (1250, 1650), 60, 1.4, 0.25),
    Tissue.VESSEL: Properties(46, 0.08, (1250, 1650), 60, 1.4, 0.25),
    Tissue.CALCIUM: Properties(160, 0.25, (900, 1100), 25, 0.6),
    Tissue.PLEXUS: Properties(42, 0.85, (1300, 1600), 120, 1.5, 0.4),
    Tissue.LEUKOARAIOSIS: Properties(24, 0.80, (1000, 1350), 112, 1.10),
    Tissue.INFARCT_RIM: Properties(28, 0.77, (960, 1300), 98, 0.66),
    Tissue.INFARCT_ACUTE: Properties(25, 0.79, (1020, 1380), 106, 0.46),
    Tissue.INFARCT_SUBACUTE: Properties(19, 0.84, (1250, 1600), 130, 0.56),
    Tissue.INFARCT_OLD: Properties(9, 0.96, (2600, 3000), 500, 2.2),
    Tissue.GLIOSIS: Properties(20, 0.84, (1250, 1600), 150, 1.25),
    Tissue.CLOT: Properties(67, 0.78, (1100, 1400), 62, 0.60),
    Tissue.CLOT_OLD: Properties(36, 0.86, (800, 1000), 120, 1.2),
    Tissue.BLOODY_CSF: Properties(61, 0.92, (1700, 2000), 250, 1.6),
    Tissue.OEDEMA: Properties(20, 0.85, (1250, 1600), 145, 1.35),
    Tissue.TUMOUR: Properties(37, 0.83, (1200, 1550), 110, 1.00, 0.38),
    Tissue.NECROSIS: Properties(14, 0.94, (2100, 2500), 320, 2.1),
    Tissue.TUMOUR_FAINT: Properties(35, 0.83, (1200, 1550), 115, 1.05, 0.6),
    Tissue.TUMOUR_BLOOD: Properties(55, 0.86, (600, 750), 90, 1.2),
}
