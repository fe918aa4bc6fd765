"""A product with a past: two streams of real data, people, three weeks of verdicts, and a queue to triage."""
