"""Plugins of tickstock around the volume-weighted average price."""
