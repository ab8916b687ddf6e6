"""How the built-in encoder is made: clean photographs, synthetic damage, no human score.

``train.train_encoder`` ties it together: damage (``damage``), pooled statistics of a frozen
tower (``statistics``), linear read-outs (``readout``), sentences and the text tower
(``sentences``, ``text``).
"""
