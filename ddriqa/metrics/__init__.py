"""Features become a score: one file a metric. No metric opens an image file."""
