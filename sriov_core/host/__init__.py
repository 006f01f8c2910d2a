"""The only package that touches the machine: reads it, and writes what a step says. It decides nothing."""
