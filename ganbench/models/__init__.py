"""Networks of the reference trainer: each model is a file with a generator, a discriminator and a builder."""
