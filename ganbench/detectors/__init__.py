"""Detectors: uint8 images in, boxes out, and the share of images with a face (AFD)."""
