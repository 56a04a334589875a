"""The engine host as a program: `python -m inference.host`, started by `inference.host.process` alone."""

from __future__ import annotations

from inference.host.serve import main

if __name__ == "__main__":
    main()
