"""Loads ``definitions.py`` as the probe does, and prints ``ANSWERS`` of it and its inputs as JSON.

Run with the interpreter of the project, in its folder, with the folder of the probe as argument.
The audit hook and what it makes of the events are the probe's own; there is no Dagster.
"""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

package = runpy.run_path(f"{sys.argv[1]}/__main__.py")["_as_package"]
audit, inputs, user_files = map(package, ("audit", "inputs", "user_files"))
log = audit.AuditLog()
log.start()
files = user_files.UserFiles(str(Path.cwd()))
log.mark()
calls = audit.CallRecorder(files, log)
variables = package("variables").VariableLog(files)
package("source_loader").SourceLoader(files).install()
sys.path[0] = str(Path.cwd())
answers = __import__("definitions").ANSWERS
found = inputs.describe_inputs(files, log, calls.report(), variables.names())
print(json.dumps({"answers": answers, "inputs": found}))
