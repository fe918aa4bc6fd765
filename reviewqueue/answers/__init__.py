"""Answer schemas, and whether an answer fits one. Pure."""
