"""Speed measurements; each module writes one file of benchmarks/results that a reviewer can diff."""
