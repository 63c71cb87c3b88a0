"""Network definitions, imported only when a network has to be built."""
