"""A real S3 server for tests: moto's, in a process of its own, one for the whole run; each test gets its own bucket.

Use: ``pytest_plugins`` in ``conftest.py`` names this module; a test takes ``s3`` and writes objects with ``s3.put``.
"""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 60


@dataclass
class S3:
    """A bucket on the server.

    Attributes:
        endpoint: address of the server, which the driver is told through ``AWS_ENDPOINT_URL``.
        bucket: name of a bucket of this test's own.
        client: boto3's, straight at the server.
    """

    endpoint: str
    bucket: str
    client: Any

    @property
    def url(self) -> str:
        """Return the bucket's URL, ``s3://BUCKET``."""
        return f"s3://{self.bucket}"

    def put(self, key: str, content: bytes) -> str:
        """Write an object; returns its URL."""
        self.client.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"{self.url}/{key}"

    def put_folder(self, folder: Path, prefix: str) -> str:
        """Write all files below a folder; returns the URL of the prefix."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{prefix}/{path.relative_to(folder).as_posix()}", path.read_bytes())
        return f"{self.url}/{prefix}"

    def get(self, key: str) -> bytes:
        """Return the content of an object."""
        content: bytes = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        return content

    def download(self, prefix: str, folder: Path) -> Path:
        """Write what lies below a prefix into a folder, without locks; returns the folder."""
        for name in self.names():
            if name.startswith(f"{prefix}/") and "/." not in name:
                target = folder / name[len(prefix) + 1 :]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(self.get(name))
        return folder

    def names(self) -> list[str]:
        """Return the names of all objects, in order."""
        found = self.client.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return sorted(one["Key"] for one in found)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the server; yields its address."""
    pytest.importorskip("moto.server", reason="the S3 server of the tests is moto: pip install 'moto[server]'")
    pytest.importorskip("s3fs", reason="the driver for s3:// is s3fs")
    port = free_port()
    log = tmp_path_factory.mktemp("s3") / "server.log"
    with log.open("wb") as out:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + _SECONDS
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{endpoint}/moto-api/", timeout=5):
                break
            assert server.poll() is None, log.read_text("utf-8", "replace")
            assert time.monotonic() < deadline, "the S3 server does not answer"
            time.sleep(0.1)
        yield endpoint
    finally:
        server.terminate()
        server.wait(_SECONDS)


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    """Give a test a bucket of its own, and the environment in which the driver finds it."""
    import boto3

    settings = {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "secret-of-the-tests",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    forget_drivers()
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    bucket = f"bucket-{time.time_ns()}"
    client.create_bucket(Bucket=bucket)
    yield S3(s3_endpoint, bucket, client)
    forget_drivers()


def forget_drivers() -> None:
    """Let the driver read the environment again: it keeps what it was made with."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
