"""The training doctor: rules over what a run records, each a stated one, with its evidence and a remedy."""
