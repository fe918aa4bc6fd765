"""Files of labelled data."""
