"""``openenv validate`` at the runtime and semantic level against a running server, where no container daemon runs.

The runner takes a provider, which builds and starts the image. This one stands for Docker: it gives the address of a
server that runs already. So every grader of the protocol runs; what needs a container does not. Prints
{check: [status, first line]} as JSON.
"""

import json
import sys
from pathlib import Path

from openenv.validation import Level, run_validation


class Running:
    def __init__(self, url):
        self.base_url = url

    def inspect(self):
        return {}

    def logs(self, max_bytes=65536):
        return ""

    def stop(self):
        pass


class Provider:
    name = "running"
    supported_network_modes = frozenset({"public"})

    def __init__(self, url):
        from openenv.validation.types import ProviderCapability

        self.url, self.capabilities = url, frozenset({ProviderCapability.IMAGE_BUILD})

    def build(self, root, execution):
        assert (Path(root) / execution.dockerfile).is_file()
        return "sha256:" + "0" * 64

    def start(self, spec):
        return Running(self.url)


folder, url = sys.argv[1:]
report = run_validation(Path(folder), max_level=Level.SEMANTIC, provider=Provider(url))
found = {result.check_id: [result.status.value, *result.evidence[:1]] for result in report.results}
print(json.dumps({"verdict": report.verdict.value, "checks": found}))
