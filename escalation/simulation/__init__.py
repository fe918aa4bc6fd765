"""What other thresholds or policies would have done with stored traffic."""
