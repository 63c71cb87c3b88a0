"""Features: uint8 images in, float32 feature vectors out."""
