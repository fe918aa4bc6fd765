"""The machines' side over HTTP: outputs in, decisions, labels and reports out."""
