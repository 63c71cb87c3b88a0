"""Two metrics, an extractor, a detector, a loss and a pair of networks for ganbench: one file each."""
