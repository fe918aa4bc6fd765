"""Demo data: people, two streams of real data, three weeks of verdicts, and a queue to review."""
