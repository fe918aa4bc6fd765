"""Deciding for each output whether the model's answer stands or a person reviews it."""
