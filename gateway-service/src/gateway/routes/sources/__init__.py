"""The paths of the systems that Reelwork replaces, kept alive: thin, each in its original's words."""
