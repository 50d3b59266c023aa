"""The use cases: what the command line and the pytest plugin have in common.

Orchestration only: each step is a room of its own below.
"""
