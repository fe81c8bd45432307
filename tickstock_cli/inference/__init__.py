"""Standard errors, tests and ratios of returns: functions of arrays."""
