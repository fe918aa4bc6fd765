"""Test items: known answers mixed into queues to measure how many errors reviewers catch."""
