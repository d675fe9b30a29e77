"""Reelwork: a media-generation platform."""
