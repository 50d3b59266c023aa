"""The order of a stream's events: one small automaton per wire format.

None of them says that anything is missing at the end: a stream that was cut is the transport's
trouble, and which end is whole, the dialect knows.
"""
