"""Adapters from the `Observer` hook to monitoring libraries, each behind an extra.

``prometheus`` needs ``[prometheus]``, ``opentelemetry`` needs ``[opentelemetry]``.
"""
