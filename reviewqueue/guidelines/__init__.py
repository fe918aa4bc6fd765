"""Guidelines: rendering, versions, and the changes between two versions."""
