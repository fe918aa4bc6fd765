"""Items, slots, and the claims on them."""
