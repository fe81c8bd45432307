"""Vendors of live feeds: one folder a vendor, which holds everything of it and nothing of the others."""
