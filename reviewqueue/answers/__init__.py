"""Forms of answers, and whether an answer fits one. Pure."""
