"""``python -m ganbench``."""

from ganbench.cli.app import main

main()
