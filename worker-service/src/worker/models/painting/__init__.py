"""A landscape painter: words to a scene, a scene to light. No learned model, no stock pictures.

Everything is a function of world coordinates, never of pixels, so that a scene keeps its composition at
every size.
"""
