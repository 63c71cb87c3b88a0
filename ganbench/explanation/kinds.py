"""The kinds of findings: their names, and what to do about each."""

from __future__ import annotations

REMEDIES: dict[str, str] = {
    "brightness": "Check the range of values: a generator with tanh gives -1 to 1, and 255 (x + 1) / 2 is saved; and "
    "that training images were normalised with the same mean and deviation.",
    "contrast": "Check how outputs are scaled and cut off when they are saved, and that training images were scaled "
    "the same way.",
    "saturation": "Check the colour space (RGB, not grey or BGR) and colour jitter among the augmentations; a low "
    "truncation also makes colours pale.",
    "hue": "Check the order of channels (OpenCV reads BGR), and colour jitter among the augmentations.",
    "sharpness": "Look for a resize on the way to the file, and averages of images in the loss; train longer, or "
    "give the generator more channels in its last layers.",
    "noise": "Look for noise that is still added at sampling, too high a learning rate late in training, or dithering "
    "when files are written.",
    "jpeg": "Save PNG, or JPEG of the highest quality that is allowed (ganbench data pack finds it); where training "
    "images were compressed so, use the originals.",
    "checkerboard": "Make the kernel of transposed convolutions a multiple of their stride (4 for 2), or upsample "
    "first and convolve then.",
    "banding": "Save 24-bit colours: no GIF, no palette; do not round the outputs before they are scaled to 255.",
    "borders": "Cut the frame off the training images, and use reflecting instead of zero padding in the last layers.",
    "position": "Crop training images and samples by the same rule; leave random shifts out of the augmentations, or "
    "make them leak-proof (ADA).",
    "size": "Crop and resize training images by the same rule as the real ones of the reference.",
    "symmetry": "Look for a flip that is applied to half of an image, or to a blend; train longer where both eyes are "
    "always alike.",
    "orientation": "Turn the images back: check flips and turns among the augmentations, and the order of rows.",
    "spectrum": "Compare the power by frequency below with that of real images; a loss on frequencies, or another "
    "upsampling, moves it.",
    "missing_kinds": "Train longer or with more varied batches; check that such images are in the training data, and "
    "that truncation is off.",
    "excess_kinds": "Lower the learning rate, add a penalty on the gradient or "
    "minibatch statistics; go back to an earlier checkpoint.",
    "low_variety": "Switch truncation off, widen the latent, and add minibatch statistics; go back to an earlier "
    "checkpoint where variety was higher.",
    "repeats": "Draw a new latent for every image, and check the seeds of the workers; remove the images that repeat.",
    "outliers": "Look at the images below: broken files, sheets, or samples of a collapsed latent; remove their cause "
    "instead of the images.",
    "unexplained": "Look at the directions below, which carry the distance.",
}
KINDS = tuple(REMEDIES)
