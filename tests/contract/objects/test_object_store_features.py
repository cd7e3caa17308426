"""What single stores add to the contract: damage on the way, customers' keys, encryption, forgotten uploads."""

import base64
import os

import boto3
import pytest
from azure.storage.blob import BlobServiceClient

from pitcall.adapters.objects import download
from pitcall.adapters.objects.keys import SHA256
from pitcall.errors import Conflict, Corrupt, InvalidRequest, StoreUnavailable

from .conftest import PART

pytestmark = pytest.mark.contract

BIG = os.urandom(PART + 4321)
WRONG = "0" * 64


@pytest.fixture
def gcs(servers):
    place = servers("gcs")
    yield place
    place.server.flip = None


@pytest.fixture
def s3(servers, monkeypatch):
    place = servers("s3")
    for name, value in place.environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3", endpoint_url=place.server, region_name="us-east-1")
    yield place, client
    client.close()


def refused(store, key, tmp_path):
    """Whole or in parts, into memory or a file."""
    with pytest.raises(Corrupt, match=key):
        store.get(key).read()
    target = tmp_path / "target"
    with pytest.raises(Corrupt, match=key):
        download(store, key, target, part_bytes=1 << 20)
    assert list(tmp_path.iterdir()) == []


class TestDamage:
    def test_a_bit_that_flips_on_the_way_from_gcs(self, gcs, tmp_path):
        """GCS tells the CRC-32C, and what arrives has another one."""
        store = gcs.open("gs://pitcall/damage")
        store.put("bent", BIG)
        gcs.server.flip = "bent"
        refused(store, "bent", tmp_path)
        gcs.server.flip = None
        assert store.get("bent").read() == BIG
        store.close()

    def test_an_object_on_s3_that_is_not_what_was_stored(self, s3, tmp_path):
        """The digest in the metadata decides."""
        place, client = s3
        client.put_object(Bucket="pitcall", Key="damage/bent", Body=BIG, Metadata={SHA256: WRONG})
        store = place.open("s3://pitcall/damage")
        refused(store, "bent", tmp_path)
        store.close()

    def test_an_object_on_azure_that_is_not_what_was_stored(self, servers, tmp_path):
        """The digest in the metadata decides."""
        place = servers("azure")
        line = place.settings["azure_connection_string"]
        with BlobServiceClient.from_connection_string(line) as service:
            service.get_blob_client("pitcall", "damage/bent").upload_blob(BIG, metadata={SHA256: WRONG}, overwrite=True)
        store = place.open("az://pitcall/damage")
        refused(store, "bent", tmp_path)
        store.close()

    def test_an_object_of_somebody_else_is_checked_by_what_the_store_knows(self, s3, tmp_path):
        """No digest of ours: the MD5 of a plain upload does."""
        place, client = s3
        client.put_object(Bucket="pitcall", Key="foreign/a", Body=BIG)
        store = place.open("s3://pitcall/foreign")
        info = store.head("a")
        assert (info.sha256, info.md5 is not None) == (None, True)
        assert download(store, "a", tmp_path / "a").size == len(BIG)
        store.close()


class TestCustomersKey:
    def test_only_the_key_opens_it(self, gcs):
        """Small and large, whole and in parts: every request carries the key; without it there is an error."""
        key = base64.b64encode(os.urandom(32)).decode()
        locked, plain = gcs.open("gs://pitcall/locked", customer_key=key), gcs.open("gs://pitcall/locked")
        other = gcs.open("gs://pitcall/locked", customer_key=base64.b64encode(os.urandom(32)).decode())
        for name, content in (("small", b"secret"), ("large", BIG)):
            info = locked.put(name, content)
            assert locked.get(name).read() == content
            assert locked.get(name, start=2, end=4, generation=info.generation).read() == content[2:4]
            for store in (plain, other):
                with pytest.raises(InvalidRequest, match="key"):
                    store.get(name).read()
        for store in (locked, plain, other):
            store.close()


class TestEncryptionOnS3:
    @pytest.mark.parametrize("sse", ["AES256", "aws:kms"])
    def test_it_is_asked_for_on_every_write(self, s3, sse):
        """Small and large objects; what is read is checked all the same."""
        place, client = s3
        store = place.open("s3://pitcall/sse", sse=sse)
        for name, content in (("small", b"x"), ("large", BIG)):
            store.put(name, content)
            assert client.head_object(Bucket="pitcall", Key=f"sse/{name}")["ServerSideEncryption"] == sse
            assert store.get(name).read() == content
        store.close()


class _Stop(Exception):
    pass


class TestForgottenUploads:
    def stop_late(self, moved):
        if moved:
            raise _Stop

    def test_gcs_forgot_it(self, gcs):
        """The upload starts again by itself."""
        store = gcs.open("gs://pitcall/forgotten")
        with pytest.raises(_Stop):
            store.put("a", BIG, progress=self.stop_late)
        gcs.server.forget()
        moved: list[int] = []
        store.put("a", BIG, progress=moved.append)
        assert moved[0] == 0
        assert store.get("a").read() == BIG
        store.close()

    def test_s3_forgot_it(self, s3):
        """Somebody cleaned up: the upload starts again by itself."""
        place, client = s3
        store = place.open("s3://pitcall/forgotten")
        with pytest.raises(_Stop):
            store.put("a", BIG, progress=self.stop_late)
        for upload in client.list_multipart_uploads(Bucket="pitcall")["Uploads"]:
            client.abort_multipart_upload(Bucket="pitcall", Key=upload["Key"], UploadId=upload["UploadId"])
        moved: list[int] = []
        store.put("a", BIG, progress=moved.append)
        assert moved[0] == 0
        assert store.get("a").read() == BIG
        store.close()

    def test_what_can_never_end_leaves_nothing_behind(self, s3):
        """A refused upload gives its parts back, which S3 would bill for."""
        place, client = s3
        store = place.open("s3://pitcall/refused")
        store.put("a", b"first")
        with pytest.raises(Conflict):
            store.put("a", BIG, if_absent=True)
        assert client.list_multipart_uploads(Bucket="pitcall").get("Uploads", []) == []
        store.close()


def test_a_lost_answer_is_not_a_conflict(gcs, monkeypatch):
    """The first try arrived, its answer did not; the second is refused, and sees that it was itself."""
    store = gcs.open("gs://pitcall/lost")
    really = gcs.server.RequestHandlerClass._answer
    calls: list[int] = []

    def lose(handler, status, body, headers=None):
        if handler.command == "POST" and not calls:
            calls.append(1)
            return really(handler, 503, b"{}")
        return really(handler, status, body, headers)

    monkeypatch.setattr(gcs.server.RequestHandlerClass, "_answer", lose)
    info = store.put("once", b"content", if_absent=True)
    assert calls == [1]
    assert store.head("once").generation == info.generation
    store.close()


def test_a_store_that_fails_on_and_on_is_unavailable(gcs, monkeypatch):
    """Retries end; the error says that later may be better."""
    store = gcs.open("gs://pitcall/down", attempts=2)
    store.put("a", b"content")
    asked: list[str] = []

    def fail(handler):
        asked.append(handler.path)
        handler._answer(503, b"{}")

    monkeypatch.setattr(gcs.server.RequestHandlerClass, "do_GET", fail)
    with pytest.raises(StoreUnavailable):
        store.head("a")
    assert len(asked) >= 2
    store.close()
