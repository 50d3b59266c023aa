"""Statistics: pure functions on arrays with an explicit random generator.

Nothing here reads a file, prints, or knows what a model provider is.

* ``two_sample``: two sides of the same cases, did anything change?
* ``sensitivity``: how small a change would that comparison have seen?
* ``permutation``: the one permutation core both stand on; ``layout``: which trials may swap
  sides; ``multiplicity``: p-values, and what becomes of several.
* ``seeding``: generators that follow from names.
* ``views``, ``features``: what the core looks at in labels, numbers and texts.
* ``effects``, ``intervals``: how large a change is, with its uncertainty.
* ``rates``, ``rate_tests``, ``rate_dispersion``: shares of trials, exactly and against margins.
* ``latency``, ``latency_tail``: times of two sides block by block, and of the slowest answers.
* ``methods``: the tables of methods that the calibration tests go through.
"""
