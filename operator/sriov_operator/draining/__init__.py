"""Who is drained when: pools, budgets, evictions, and the hooks of OpenShift."""
