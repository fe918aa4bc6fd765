"""Policies: their content, versions and approvals, and the audit rates in effect."""
