"""The project file: what a person marked, corrected and ran, on disk before the window says it is done."""
