"""What no plan can beat: layers split among the devices as if cuts and waiting cost nothing."""

from __future__ import annotations

from inference.schedule.profile import Profile
from inference.schedule.simulate import lanes_of

SAFE = 1e-7


def lower_bound_ms(profiles: tuple[Profile, ...], chains: bool) -> float:
    """The least possible time for one frame of every model, any number of cuts, with or without contention.

    A linear program: every layer is shared out among the devices that it may run on; each device's load, and with
    `chains` each model's own time, must fit. Rounded down by a part in ten million.

    Args:
        chains: True for the makespan: a model's layers cannot overlap. False for the period: its frames can.
    """
    import numpy as np
    from scipy.optimize import linprog

    devices = lanes_of(profiles)
    layers = [(m, layer) for m, profile in enumerate(profiles) for layer in profile.layers]
    choices = [(i, d) for i, (_, layer) in enumerate(layers) for d in devices if layer.legal.get(d, False)]
    rows = [[layers[i][1].ms[d] * (d == device) for i, d in choices] + [-1.0] for device in devices]
    for model in range(len(profiles) if chains else 0):
        rows.append([layers[i][1].ms[d] * (layers[i][0] == model) for i, d in choices] + [-1.0])
    once = np.zeros((len(layers), len(choices) + 1))
    for column, (i, _) in enumerate(choices):
        once[i, column] = 1.0
    goal = np.zeros(len(choices) + 1)
    goal[-1] = 1.0
    found = linprog(goal, A_ub=np.array(rows), b_ub=np.zeros(len(rows)), A_eq=once, b_eq=np.ones(len(layers)))
    return max(0.0, found.fun * (1 - SAFE)) if found.success and found.fun is not None else 0.0
