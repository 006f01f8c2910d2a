"""From a snapshot and a wish to a plan. Pure: nothing here does I/O, and the same input gives the same plan."""
