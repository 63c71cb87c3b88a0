"""The audit: which metric says what it should, on these images, at this number of them."""
