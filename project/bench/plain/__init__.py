"""The peer: FastAPI and Celery as people usually wire them. Nothing of it is durable beyond what Celery gives."""
