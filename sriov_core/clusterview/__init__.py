"""The cluster as its objects tell it: verdicts, tables and findings for people. Pure: objects in, values out."""
