"""A digital trunk: chest, abdomen and pelvis of an adult in a CT scanner."""
