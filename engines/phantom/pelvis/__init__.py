"""The digital pelvis of a man: axial T2-weighted MR with the zones of the prostate known exactly."""
