"""The threads: one owns the network, one decodes frames, one turns scribbles into masks. Jobs in, results out."""
