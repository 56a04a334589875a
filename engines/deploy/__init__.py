"""From a model made elsewhere to a task in the viewer: `chain.deploy` runs the stages of `stages` for a `wish.Wish`."""
