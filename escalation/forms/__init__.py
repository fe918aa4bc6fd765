"""Forms of the manager's pages."""
