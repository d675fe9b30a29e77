"""Stand-ins for services of others, for tests and demonstrations. Nothing that runs in production imports them."""
