"""Pages for people: each view asks the domain once and renders."""
