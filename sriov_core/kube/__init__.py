"""The Kubernetes API as agent and operator use it: requests, watches, queues, leader election, events."""
