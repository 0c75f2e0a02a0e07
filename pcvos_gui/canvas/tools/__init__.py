"""The pointer's tools on the canvas: one file a tool."""
