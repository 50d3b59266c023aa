"""The pytest face: options, collection, items, summary. Imports nothing heavy."""
