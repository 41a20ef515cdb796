"""Runs a client that was generated from the published .proto files, and a reflection client.

Environment: INTEROP_GRPC_TARGET (host:port of the coordinator's gRPC), INTEROP_OUTCOMES (the file that the outcomes are
appended to), INTEROP_RUN (a regular expression for GROUP/NAME of the cases). The generated modules are on PYTHONPATH.
"""

import json
import os
import re
import time
import traceback

import cases

GROUP = "GeneratedPython"


def main():
    """Runs the cases."""
    setting = cases.Setting(os.environ["INTEROP_GRPC_TARGET"])
    with open(os.environ["INTEROP_OUTCOMES"], "a", encoding="utf-8") as file:
        for name, run in cases.CASES:
            if re.search(os.environ.get("INTEROP_RUN", ""), f"{GROUP}/{name}"):
                write(file, group=GROUP, name=name)
                write(file, group=GROUP, name=name, **outcome(run, setting))
    setting.close()


def outcome(run, setting):
    """Runs one case."""
    began, verdict, detail = time.monotonic(), "pass", ""
    try:
        run(setting)
    except Exception:  # pylint: disable=broad-except
        verdict, detail = "fail", traceback.format_exc()
    return {"verdict": verdict, "durationMs": round((time.monotonic() - began) * 1000), "detail": detail}


def write(file, **line):
    """Appends one line."""
    file.write(json.dumps(line) + "\n")
    file.flush()


if __name__ == "__main__":
    main()
