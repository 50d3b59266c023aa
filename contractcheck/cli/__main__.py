"""``python -m contractcheck.cli``: the command line without the installed script."""

from contractcheck.cli import main

main()
