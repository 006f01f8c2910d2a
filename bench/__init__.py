"""What the project promises about speed, measured: `make bench` prints one JSON line for each figure."""
