"""Items, slots and claims: the work queue of the review side."""
