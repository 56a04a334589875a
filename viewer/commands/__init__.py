"""One file per command of `insula`: its words, and what it does. Heavy imports happen when a command runs."""
