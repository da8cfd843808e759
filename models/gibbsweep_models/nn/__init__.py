"""Networks, their parts, and what is done with them. Imports point down this list:

- ``energies``: networks that are an energy, (B, *D) -> (B,), by themselves or one for each class.
- ``denoisers``: maps from noisy data and its noise level to clean data, with or without a network.
- ``noise_networks``: networks with the noise level as an input, from which denoisers are made.
- ``detectors``: how unusual features are, fitted to those of the training data.
- ``encoders``: networks from examples to features, codes or logits, and back.
- ``transforms``: maps of the data itself: random views, whitening, solids as smooth fields.
- ``layers``: parts that several networks are built of.
- ``gradients``: gradients of an energy in its input. ``weights_file``: weights that were trained elsewhere.
"""
