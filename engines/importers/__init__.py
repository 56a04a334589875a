"""Models trained elsewhere become bundles. PyTorch is imported only in the processes that convert or compare."""
