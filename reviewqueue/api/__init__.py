"""The review side of the HTTP API: claims and verdicts, for custom review tools."""
