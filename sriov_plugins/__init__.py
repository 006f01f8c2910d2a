"""The vendor drivers shipped with sriov-core; each is an ordinary plugin."""
