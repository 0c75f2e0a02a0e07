"""Masks out of a project and into it: one registry, one file a format."""
