"""What can be merged: moments, feature samples, and the collectors that fill them."""
