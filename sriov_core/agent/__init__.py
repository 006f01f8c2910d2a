"""The service of a node: takes up what is wished of it, has the engine do it, and reports what it found."""
