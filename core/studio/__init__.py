"""The rules of the trade, without a window: what edits, runs, imports and exports of a project do."""
