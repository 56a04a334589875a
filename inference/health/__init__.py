"""What the machine draws, how warm it is and how fast its clocks run; what cannot be read says why."""
