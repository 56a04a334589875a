"""MONAI's own pipeline for imported bundles: its transforms, its sliding window, and the way back."""
