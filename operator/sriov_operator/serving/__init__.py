"""The servers that the API server calls: admission and the injector, with their certificates."""
