"""The web server's worker: requests arrive completely before they get a thread, and each kind has its own threads."""
