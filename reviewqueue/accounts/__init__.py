"""People, roles, API keys and personal preferences."""
