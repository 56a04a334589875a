"""Whole volumes as nnU-Net v2 does them (Isensee et al., Nature Methods 2021), without PyTorch."""
