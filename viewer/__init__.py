"""What a clinician sees and touches."""
