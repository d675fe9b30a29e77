"""Hear, translate, speak and mix: what a voice-over is made of. Its packages are an extra, the group `speech`."""
