"""The operator's process: settings, caches, leadership, health, metrics, and what starts and stops the controllers."""
