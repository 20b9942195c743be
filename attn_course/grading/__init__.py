"""Hand-out, grading in a sandbox, gradebook and feedback."""
