"""Makes and keeps engines: bundles, training, the digital head."""
