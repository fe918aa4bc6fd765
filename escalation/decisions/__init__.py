"""What becomes of an output: decisions settled, taken back, reopened or answered at their deadline, and their feed."""
