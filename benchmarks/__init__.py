"""Speed and memory, as ratios of one run: every subject in fresh processes, interleaved, several times.

    workloads ─▶ rounds: subject A, B, C, A, B, C, …  each one a fresh process ─▶ sections of figures ─▶ report

One file a subject: `flat_out`, `memory`, `startup`, `stages`, and `test_kernels` for the hot loops alone.
"""
