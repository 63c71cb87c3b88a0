"""A class: everybody on a roster, what they handed in, and the grades that it earns by stated rules."""
