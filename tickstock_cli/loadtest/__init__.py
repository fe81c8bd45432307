"""Load tests: what load to make, a system under it in processes of its own, and what became of it."""
