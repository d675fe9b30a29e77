"""The real servers Reelwork stands on, as private child processes: mongod, SeaweedFS (S3), RabbitMQ and Valkey.

No Docker and no root rights are needed. Every server listens on 127.0.0.1 only, keeps its data in a folder that the
caller names, and dies with the process that started it.
"""

from run.servers.keys import Keys
from run.servers.mongod import Mongod
from run.servers.process import Command, Server, ServerError, ServerFailed, ServerMissing
from run.servers.rabbitmq import RabbitMQ
from run.servers.seaweedfs import SeaweedFS
from run.servers.valkey import Valkey

__all__ = [
    "Command",
    "Keys",
    "Mongod",
    "RabbitMQ",
    "SeaweedFS",
    "Server",
    "ServerError",
    "ServerFailed",
    "ServerMissing",
    "Valkey",
]
