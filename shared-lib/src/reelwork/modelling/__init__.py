"""Models of numbers, shared by the worker, which runs any of them, and the gateway, which answers short ones itself.

They are written like any model; what makes them different is that they need no package but pydantic.
"""
