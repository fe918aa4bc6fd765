"""Finding outputs, and showing one: its status, its content and its history."""
