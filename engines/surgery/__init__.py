"""What accelerators accept, and exact changes to graphs."""
