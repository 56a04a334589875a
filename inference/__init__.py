"""Runs a task on volumes. Knows no screen and no DICOM."""
