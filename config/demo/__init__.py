"""Demo data: people, three streams, three weeks of verdicts, and a queue to review."""
