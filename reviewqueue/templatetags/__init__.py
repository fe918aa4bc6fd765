"""Template filters: untrusted text, numbers and keyboard shortcuts."""
