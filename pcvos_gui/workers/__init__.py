"""The threads: one owns the network, one decodes frames, one turns strokes into masks where there are no marking
weights. Jobs in, results out."""
