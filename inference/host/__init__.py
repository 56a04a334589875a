"""Engines run in a process of their own; this room holds both sides of its border.

`client.EngineHost` is the side of the viewer, `serve.main` that of the process. Between them go the messages of
`messages`, as pickles through pipes, and voxels, through shared memory alone.
"""
