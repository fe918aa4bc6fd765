"""Review figures, personal statistics, a person's decision history, and invariant checks of the review side."""
