"""What the blind tests share."""
