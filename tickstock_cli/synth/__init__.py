"""A synthetic market: seeded, realistic, with known injected moves.

    options ─▶ timeline (seconds, how many trades in each) ─┐
            ─▶ universe (symbols and what they are like)   ─┼─▶ market: a second at a time ─▶ folder of Parquet files
            ─▶ injections (surges, trends, ...)            ─┘

The same options give the same rows on every machine and for any cutting of the work, because

1. all randomness is a hash of (seed, purpose, counter), without a generator state (`rng`);
2. values are computed in integers on fixed-point numbers. The only floating-point operations are a final division and
   square roots, which IEEE 754 rounds correctly. There is no exp, log or sin, whose last digit differs between machines
   (`tables` takes logarithms from the decimal module, which rounds correctly).
"""
