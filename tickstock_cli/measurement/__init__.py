"""What measurements share: which machine, which percentiles, which verdicts, and pages and files that tell them."""
