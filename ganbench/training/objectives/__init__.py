"""What the two networks minimise: one file per objective. The training loop never learns which one it runs."""
