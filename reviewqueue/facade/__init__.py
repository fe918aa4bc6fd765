"""The review side as the model side may use it: frozen rows and plain values, no model and no QuerySet."""
