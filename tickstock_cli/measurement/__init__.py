"""Parts of all measurements: machine facts, histograms, verdicts, report pages, JUnit files and result documents."""
