"""Runs the cases, and appends to a file one line of JSON per case that starts and per case that has ended."""

import json
import os
import re
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from scene import Case, Skipped

# Most of a case's time is waiting for a retry.
PARALLEL_CASES = 32
CASES = []


def case(group, name):
    """Registers a case. Its name is a sentence about behaviour."""

    def register(body):
        CASES.append((group, name, body))
        return body

    return register


class Output:
    """The file with the outcomes."""

    def __init__(self):
        self._stream = open(os.environ["INTEROP_OUTCOMES"], "a", encoding="utf-8")

    def write(self, **line):
        """Appends one line; several threads do so."""
        self._stream.write(json.dumps(line) + "\n")
        self._stream.flush()


def run(setting, pattern):
    """Runs the cases whose `GROUP/NAME` matches the pattern."""
    output = Output()
    chosen = [entry for entry in CASES if re.search(pattern, f"{entry[0]}/{entry[1]}")]
    with ThreadPoolExecutor(PARALLEL_CASES) as pool:
        list(pool.map(lambda entry: run_one(output, setting, *entry), chosen))


def run_one(output, setting, group, name, body):
    """Runs one case."""
    output.write(group=group, name=name)
    began, verdict, detail = time.monotonic(), "pass", ""
    try:
        body(Case(setting))
    except Skipped as reason:
        verdict, detail = "skip", str(reason)
    except Exception:  # pylint: disable=broad-except
        verdict, detail = "fail", traceback.format_exc()
    duration = round((time.monotonic() - began) * 1000)
    output.write(group=group, name=name, verdict=verdict, durationMs=duration, detail=detail)
