"""Eight bits after training: which pictures calibrate, which layers keep their precision, and how it is spelt."""
