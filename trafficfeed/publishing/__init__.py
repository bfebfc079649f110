"""Releases: draft → atomic release, never a mix."""
