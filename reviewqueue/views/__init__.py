"""HTML pages: each view makes one domain call and renders the result."""
