"""Whether the exporter keeps its budgets of memory, CPU and time: `python -m benchmarks`."""
