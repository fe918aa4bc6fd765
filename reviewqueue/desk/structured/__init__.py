"""Answers with a JSON schema of their own: fields, their layout, and the posted form. Pure."""
