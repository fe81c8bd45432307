"""A synthetic market: seeded, believable, with its injected moves written down.

    options ─▶ timeline (seconds, how many trades in each) ─┐
            ─▶ universe (symbols and what they are like)   ─┼─▶ market: a second at a time ─▶ folder of Parquet files
            ─▶ injections (surges, trends, ...)            ─┘

The same options give the same rows on every machine and however the work is cut, because

1. all randomness is a hash of (seed, purpose, counter): no generator has a state that could run ahead (`rng`);
2. all that decides a value is integer arithmetic on fixed-point numbers; the only floats are a last, correctly
   rounded division, and square roots, which IEEE 754 rounds correctly too. No exp, log or sin, which differ between
   machines in the last digit (`tables` takes its logarithms from the decimal module, which is exact).
"""
