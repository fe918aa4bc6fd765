"""Django forms: they validate the shape of the input; the domain validates its meaning."""
