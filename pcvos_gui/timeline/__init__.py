"""The scrubber with its tracks, and the transport buttons beside it."""

from pcvos_gui.timeline.timeline import Timeline

__all__ = ["Timeline"]
