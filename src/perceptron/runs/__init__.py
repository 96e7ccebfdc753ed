"""Run folders: reading a run's results (imports neither torch nor Lightning), and what a run writes while it trains."""
