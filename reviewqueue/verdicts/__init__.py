"""Submit verdicts, settle items by majority or final say, and hand out the resulting labels."""
