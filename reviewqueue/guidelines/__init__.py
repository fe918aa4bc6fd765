"""Guidelines: rendering, versions read, and what changed between two."""
