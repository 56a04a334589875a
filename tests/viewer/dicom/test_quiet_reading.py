"""Warnings of the DICOM library reach nobody, and the filters of the process come back as they were."""

from __future__ import annotations

import threading
import warnings

from viewer.dicom.quiet import quiet


def test_warnings_stay_inside_and_filters_come_back():
    before = list(warnings.filters)
    with quiet():
        warnings.warn("patient text", stacklevel=1)
    assert warnings.filters == before


def test_overlapping_threads_leave_the_filters_as_they_were():
    before = list(warnings.filters)
    inside, leave = threading.Event(), threading.Event()

    def hold():
        with quiet():
            inside.set()
            leave.wait(5)

    other = threading.Thread(target=hold)
    with quiet():
        other.start()
        inside.wait(5)
    warnings.warn("still quiet: the other thread reads", stacklevel=1)
    leave.set()
    other.join()
    assert warnings.filters == before
