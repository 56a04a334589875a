"""Changes to graphs that bring nodes onto an accelerator; each file holds one kind."""
