"""The nouns: frozen, keyword-only, slotted; they know nothing of files, wires or tests.

One module per stage of the pipeline, in the order in which data passes:
``suite`` → ``target`` → ``exchange`` → ``run`` → ``completion`` → ``night`` → ``baseline``
→ ``judgement`` → ``report``.
"""
