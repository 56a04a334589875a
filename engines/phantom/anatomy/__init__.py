"""The parts of the head, painted in the order: envelope, face, cerebrum, deep, hindbrain, vessels.

Atlas coordinates are mm near those of the MNI brain with the y axis turned to LPS: x left, y back, z up,
the anterior commissure at the origin.
"""
