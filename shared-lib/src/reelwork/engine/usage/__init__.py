"""The usage counter and its two ways of being kept in step with MongoDB: by events, or by deltas."""
