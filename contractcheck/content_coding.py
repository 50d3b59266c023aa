"""Undo HTTP content codings (RFC 9110, 8.4.1), with bounds on what may come out."""
