"""Marking: points, strokes and a box on a frame become the mask of what is meant."""
