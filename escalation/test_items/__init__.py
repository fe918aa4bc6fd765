"""Known answers mixed in among other items, which measure how many errors reviewers catch."""
