"""The HTTP surface: parse, call a service, answer."""
