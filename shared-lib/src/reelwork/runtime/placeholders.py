"""Secrets that are none: what examples, images and first attempts use."""

PLACEHOLDERS = frozenset(
    {
        *("", "test", "guest", "changeme", "change-me", "change_me", "secret", "password", "passwd", "reelwork"),
        *("admin", "administrator", "root", "user", "minioadmin", "minio", "rabbitmq", "rabbit", "mongo", "mongodb"),
        *("redis", "valkey", "default", "dev", "development", "local", "localstack", "none", "null", "todo", "123456"),
    }
)
# Parts of example values: `<random>`, `your-secret-here`, `AKIAIOSFODNN7EXAMPLE`.
_PARTS = ("<", ">", "example", "placeholder", "your-", "your_", "changeme", "change-me")
# A random secret of ten hexadecimal digits has fewer different characters than this once in 35,000 times.
_LEAST_DIFFERENT = 4


def is_placeholder(secret: str) -> bool:
    """Whether this can be no real secret. Says nothing about how strong others are."""
    plain = secret.strip().lower()
    return plain in PLACEHOLDERS or len(set(plain)) < _LEAST_DIFFERENT or any(part in plain for part in _PARTS)
