"""Which OpenGL VTK gets here. `python -m viewer.scene.opengl` prints it as JSON.

A broken graphics driver ends the process that asks it, so `probe` asks from a process of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class OpenGL:
    """What draws 3D here; `problem` is empty when it works."""

    window: str = ""
    vendor: str = ""
    renderer: str = ""
    version: str = ""
    problem: str = ""


def probe(timeout_s: float = TIMEOUT_S) -> OpenGL:
    """Render 16x16 pixels in a process of its own and tell what drew them."""
    if getattr(sys, "frozen", False):
        return OpenGL(problem="not asked in a packaged program")
    command = [sys.executable, "-m", "viewer.scene.opengl"]
    surroundings = os.environ | {"PYTHONPATH": os.pathsep.join(part for part in sys.path if part)}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, env=surroundings, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return OpenGL(problem=f"the graphics driver did not answer within {timeout_s:.0f} s")
    if done.returncode != 0:
        return OpenGL(problem=f"drawing ended with exit status {done.returncode}")
    return OpenGL(**json.loads(done.stdout.splitlines()[-1]))


def ask() -> OpenGL:
    """Render 16x16 pixels in this process."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401, registers the OpenGL classes
    from vtkmodules.vtkRenderingCore import vtkRenderer, vtkRenderWindow

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(16, 16)
    window.AddRenderer(vtkRenderer())
    window.Render()
    told = dict(line.split(":", 1) for line in window.ReportCapabilities().splitlines() if line.startswith("OpenGL "))
    strings = {name: told.get(f"OpenGL {name} string", "").strip() for name in ("vendor", "renderer", "version")}
    return OpenGL(type(window).__name__, **strings)


if __name__ == "__main__":
    print(json.dumps(asdict(ask())))
