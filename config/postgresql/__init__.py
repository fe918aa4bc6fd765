"""Django's PostgreSQL backend, with a cheaper check of the connections that requests reuse."""
