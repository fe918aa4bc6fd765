"""What a reviewer sees around and on one item."""
