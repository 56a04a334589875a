"""Qt widgets: they show a display state and tell wishes by signal. They decide nothing."""
