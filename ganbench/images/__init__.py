"""Images: a path, array or tensor in, uint8 RGB batches out."""
