"""Networks with a leading replicate dimension, and how their weights are drawn.

The modules `architectures` and `scales` do without torch, which takes a second.
"""
