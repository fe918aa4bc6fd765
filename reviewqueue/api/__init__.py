"""People's side of the HTTP API: claims and verdicts, for desks of one's own."""
