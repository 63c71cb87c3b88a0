"""Two metrics, two extractors, a detector, a loss and a pair of networks for ganbench: one file each."""
