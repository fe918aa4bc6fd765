"""A PostgreSQL and a Valkey of the product's own, below one folder, for machines that have neither.

It knows nothing of Django, so that it can run before the settings do. `servers` is the whole of it for tests;
`manage.py up` puts the same parts together with the web and the worker.
"""

from config.embedded.refusal import Refused
from config.embedded.servers import Running, servers

__all__ = ["Refused", "Running", "servers"]
