"""Training criteria: functions, or modules where they keep state (a replay buffer, persistent chains).

Imports point down this list:

- ``composed``: criteria made of others: a weighted sum, a part of the batch, other coordinates.
- ``classification``: criteria of what belongs together: an example and its class, its other view, or its caption.
- ``flow_matching``: the gradient of a potential on the way from data to noise, and its contrast near the data.
- ``score_matching``: the score of data, at one noise level or many.
- ``generation``: criteria of autoencoders, variational autoencoders, GANs and networks that fill holes.
- ``cd``: contrastive divergence: of continuous energies, of restricted Boltzmann machines, and its replay buffer.
"""
