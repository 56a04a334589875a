"""The networks of the papers by name and variant: what can be drawn, told without drawing it (no PyTorch here)."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import InputRefused

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """One form of a network.

    Attributes:
        about: What makes it different.
        inputs: Shape of each input, by the order of `PaperNetwork.inputs`.
        stated: What the paper says of its size; empty where it says nothing.
    """

    name: str
    about: str
    inputs: tuple[Shape, ...]
    stated: str = ""


@dataclass(frozen=True, slots=True)
class PaperNetwork:
    """A network that a paper deploys.

    Attributes:
        source: Paper and section.
        inputs, outputs: Names of the graph's ends, in the order of the network's arguments and answers.
        variants: The one that is meant when none is named comes first.
    """

    name: str
    title: str
    source: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    variants: tuple[Variant, ...]

    def variant(self, name: str) -> Variant:
        """The variant of that name; the first for an empty one.

        Raises:
            InputRefused: There is none.
        """
        for one in self.variants:
            if name in ("", one.name):
                return one
        known = ", ".join(v.name for v in self.variants)
        raise InputRefused(f"{self.name} has no variant {name!r}.", f"Choose one of {known}.")


P0 = "Abdul Majeed et al., Edge GPU Aware Multiple AI Model Pipeline"
P1 = "Cloud-to-Edge Deployment of Optimized nnU-Net for Ischemic Stroke"
P2 = "Berzoini et al. 2023, NERONE"
P3 = "Niepceron et al. 2020, Moving Medical Image Analysis to GPU Embedded Systems"

PICTURE = ((1, 3, 256, 256),)
PIX2PIX = PaperNetwork(
    "pix2pix",
    "Pix2Pix generator, CT to MRI",
    f"{P0}, section V-A and table II",
    ("input",),
    ("output",),
    (
        Variant("original", "transposed convolutions with padding", PICTURE, "54,425,859 parameters"),
        Variant("cropping", "none padded, the border sliced off", PICTURE, "54,425,859 parameters"),
        Variant("convolution", "none padded, then a 3x3 convolution", PICTURE, "64,637,268 parameters"),
        Variant("average-pooling", "none padded, then a 3x3 average", PICTURE),
        Variant("maximum-pooling", "none padded, then a 3x3 maximum", PICTURE),
        Variant("kernel-2-deconvolutions", "transposed convolutions of kernel 2", PICTURE),
        Variant("kernel-2", "every kernel 2", PICTURE),
        Variant("no-padding", "nothing padded; sides of 3 * 2^8 - 2", ((1, 3, 766, 766),)),
    ),
)
DISCRIMINATOR = PaperNetwork(
    "pix2pix-discriminator",
    "PatchGAN, the generator's judge in training",
    f"{P0}, section V-A",
    ("source", "target"),
    ("verdict",),
    (Variant("patch-70", "a verdict for each 70 x 70 patch", (*PICTURE, *PICTURE)),),
)
DETECTOR = PaperNetwork(
    "detector",
    "Anchor-free detector, raw head maps",
    f"{P0}, section V-B, in the place of YOLOv8",
    ("input",),
    ("p8", "p16", "p32"),
    (
        Variant("full", "2 classes, as many multiply-adds as YOLOv8n", ((1, 1, 640, 640),)),
        Variant("small", "5 classes, as in the shipped bundle", ((1, 1, 320, 320),)),
    ),
)
NNUNET = PaperNetwork(
    "nnunet",
    "nnU-Net, stroke on DWI and ADC",
    f"{P1}, section 3.2",
    ("input",),
    ("logits",),
    (Variant("3d-fullres", "six levels; deep supervision in training", ((1, 2, 128, 128, 128),)),),
)
ORGAN_UNET = PaperNetwork(
    "organ-unet",
    "U-Net, five organs on CT (CT-ORG)",
    f"{P2}, section III-B1",
    ("input",),
    ("probabilities",),
    (Variant("ct-org", "8 to 128 filters, six classes", ((1, 1, 256, 256),)),),
)
MOBILE_UNET = PaperNetwork(
    "mobile-unet",
    "MobileNetV2-0.35 U-Net, brain tumour (BraTS)",
    f"{P2}, section III-B2",
    ("input",),
    ("probabilities",),
    (Variant("brats", "four sequences, four classes", ((1, 4, 240, 240),)),),
)
PROSTATE_VNET = PaperNetwork(
    "prostate-vnet",
    "Small V-Net, prostate (Prostate-3T)",
    f"{P2}, section III-B3",
    ("input",),
    ("probabilities",),
    (
        Variant("zones", "three classes: background and both zones", ((1, 1, 256, 256),)),
        Variant("whole", "two classes: background and prostate", ((1, 1, 256, 256),)),
    ),
)
CELL_CNN = PaperNetwork(
    "cell-cnn",
    "Residual CNN, blood cells (BCCD)",
    f"{P2}, section III-B4",
    ("input",),
    ("probabilities",),
    (Variant("bccd", "8 to 128 filters, four classes", ((1, 3, 240, 320),)),),
)
TUMOUR_UNET = PaperNetwork(
    "tumour-unet",
    "U-Net, brain tumour (BraTS 2015)",
    f"{P3}, section Model Compression",
    ("input",),
    ("maps",),
    (
        Variant("compressed", "separable blocks, group norm", ((1, 4, 128, 128),), "about 2.1 million parameters"),
        Variant("plain", "what it is compressed from", ((1, 4, 128, 128),), "more than 31 million parameters"),
    ),
)
NETWORKS = (
    PIX2PIX,
    DISCRIMINATOR,
    DETECTOR,
    NNUNET,
    ORGAN_UNET,
    MOBILE_UNET,
    PROSTATE_VNET,
    CELL_CNN,
    TUMOUR_UNET,
)


def named(name: str) -> PaperNetwork | None:
    """The network of that name, if there is one."""
    return next((network for network in NETWORKS if network.name == name), None)
