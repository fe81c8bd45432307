"""Reviews of runs: verification, comparison of event files, explanation of single moments.

Reviews use the engine through the same parts as any run; none computes an event by itself.
"""
