"""Make the replica set and its users, once; run again it changes nothing but passwords that were changed.

Runs beside mongod, in its network: as long as there is no user, mongod lets somebody on its own machine make the
first one (the "localhost exception" of MongoDB's manual), and nobody else.
"""

import os
import sys
import time
from typing import Any

from pymongo import MongoClient
from pymongo.errors import ConnectionFailure, OperationFailure

Admin = MongoClient[dict[str, Any]]  # BSON documents

HERE = "127.0.0.1:27017"
MEMBER = "mongo:27017"  # how gateways and workers call it
DATABASE = os.environ["REELWORK_MONGO_DATABASE"]
DEADLINE_SECONDS = 90.0
ALREADY_INITIALIZED, AUTHENTICATION_FAILED = 23, 18


def main() -> None:
    if not _can_log_in():
        with _client() as nobody:
            _initiate(nobody)
            _wait_for_primary(nobody)
            nobody.admin.command("createUser", "admin", pwd=os.environ["MONGO_ADMIN_PASSWORD"], roles=["root"])
    with _client("admin") as admin:
        _wait_for_primary(admin)
        _give_user(admin)
    sys.stdout.write("MongoDB is the replica set rs0, with the users admin and reelwork.\n")


def _client(username: str | None = None) -> Admin:
    password = os.environ["MONGO_ADMIN_PASSWORD"] if username else None
    return MongoClient(HERE, directConnection=True, serverSelectionTimeoutMS=2000, username=username, password=password)


def _can_log_in() -> bool:
    """Whether the set and its administrator are there already. Waits for mongod to answer."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            with _client("admin") as admin:
                admin.admin.command("hello")
                admin.admin.command("connectionStatus")
        except OperationFailure as error:
            if error.code == AUTHENTICATION_FAILED:
                return False
            raise
        except ConnectionFailure:
            if time.monotonic() > deadline:
                raise
        else:
            return True


def _initiate(nobody: Admin) -> None:
    try:
        nobody.admin.command("replSetInitiate", {"_id": "rs0", "members": [{"_id": 0, "host": MEMBER}]})
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED:
            raise


def _wait_for_primary(client: Admin) -> None:
    """A set of one elects itself within a second; users can be made only then."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not client.admin.command("hello")["isWritablePrimary"]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"MongoDB did not become a primary within {DEADLINE_SECONDS:g} s.")
        time.sleep(0.1)


def _give_user(admin: Admin) -> None:
    """The user of gateways and workers: its own database and nothing else."""
    known = admin.admin.command("usersInfo", "reelwork")["users"]
    admin.admin.command(
        "updateUser" if known else "createUser",
        "reelwork",
        pwd=os.environ["MONGO_PASSWORD"],
        roles=[{"role": "readWrite", "db": DATABASE}],
    )


if __name__ == "__main__":
    main()
