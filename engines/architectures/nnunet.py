"""The network that paper p1 deploys: nnU-Net's own 3D U-Net of 31 million weights.

`UNet3d` at these widths is layer for layer what nnU-Net v2 builds (`PlainConvUNet`): weights move both ways.
"""

from __future__ import annotations

from engines.architectures.unet3d import UNet3d

WIDTHS = (32, 64, 128, 256, 320, 320)


def published(channels: int = 2, labels: int = 2) -> UNet3d:
    """The network of the paper: DWI and ADC in, background and lesion out."""
    return UNet3d(channels, labels, WIDTHS)
