"""The one room that knows DICOM: headers, geometry, pixels, and what is written back."""
