"""What follows events: observations, cells with their standard errors, calibration."""
