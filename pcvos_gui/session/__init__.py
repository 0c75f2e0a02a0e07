"""The open document: what is looked at, edits, runs, messages and saving."""
