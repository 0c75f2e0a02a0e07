"""PCVOS without a window."""

import logging

# As libraries do: what is logged goes where the program that uses this says, and nowhere unasked; not to stderr.
logging.getLogger(__name__).addHandler(logging.NullHandler())
