"""Scores against people: the field's data sets, correlations with intervals, published numbers."""
