"""Volumes in research formats: NIfTI, NRRD, MetaImage."""
