"""What the gateway does, apart from HTTP: each service takes plain values and raises the domain's errors."""
