"""Pure functions on voxels, one verb of the road per file."""
