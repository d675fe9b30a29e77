"""Painters by rule: words to a picture. No learned model, no stock pictures.

Everything is a function of world coordinates, never of pixels, so that a picture keeps its composition at
every size. A landscape is a small world that is looked at; silk is cloth made of waves.
"""
