"""People, roles, API keys, and each person's own settings."""
