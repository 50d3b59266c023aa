"""What providers have silently changed, as pure functions of an answer.

``INCIDENTS`` names them; each line is one change that was reported of a real provider, so that
a suite can be asked whether it would have seen it.
"""

from contractcheck.incidents.answers import INCIDENTS, Incident

__all__ = ["INCIDENTS", "Incident"]
