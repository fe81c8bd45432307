"""Reviewing runs: proving that they agree, telling event files apart, explaining single moments.

Everything here drives the engine from outside, through the same parts as any run; nothing computes an event anew.
"""
