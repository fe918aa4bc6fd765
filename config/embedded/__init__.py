"""A PostgreSQL and a Valkey of the product's own, below one folder, for machines that have neither.

It knows nothing of Django, so that it can run before the settings do. `servers` is the whole of it for tests;
`manage.py up` puts the same parts together with the web and the worker.
"""

from config.embedded.refusal import StartRefused
from config.embedded.servers import ServerUrls, run_servers

__all__ = ["ServerUrls", "StartRefused", "run_servers"]
