"""From labels to a threshold that keeps an error target, and the watch on it afterwards."""
