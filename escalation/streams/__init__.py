"""Creating and changing streams from files and forms."""
