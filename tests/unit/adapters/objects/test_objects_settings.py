"""Where the settings of the object stores come from, and what they refuse."""

import base64
import json

import pytest

from pitcall.adapters.objects import bucket_url, open_store, read_settings
from pitcall.adapters.objects.directory import DirectoryStore
from pitcall.errors import InvalidRequest

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("PITCALL_STORAGE_BUCKET", "PITCALL_STORAGE_B64", "GCS_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def blob(**values):
    return base64.b64encode(json.dumps(values).encode()).decode()


def test_flags_count_before_environment_blob_and_file(here, monkeypatch):
    """Each place is asked for what the ones before it do not say."""
    (here / ".pitcall.toml").write_text(
        '[storage]\nbucket = "gs://file"\nregion = "file"\naccount = "file"\nthreads = 2\n'
    )
    monkeypatch.setenv("PITCALL_STORAGE_B64", blob(bucket="gs://blob", region="blob", account="blob"))
    monkeypatch.setenv("PITCALL_STORAGE_BUCKET", "gs://environment")
    monkeypatch.setenv("PITCALL_STORAGE_REGION", "environment")
    found = read_settings(bucket="gs://flag", region=None)
    assert (found.bucket, found.region, found.account, found.threads) == ("gs://flag", "environment", "blob", 2)


def test_the_old_name_of_the_bucket_is_on_gcs(monkeypatch):
    """GCS_BUCKET holds a bare name."""
    monkeypatch.setenv("GCS_BUCKET", "races")
    assert bucket_url(read_settings()) == "gs://races"
    assert bucket_url(read_settings(bucket="./races")) == "./races"


def test_no_bucket_says_how_to_name_one():
    """It is the first thing that a new user meets."""
    with pytest.raises(InvalidRequest, match="--bucket"):
        bucket_url(read_settings())


@pytest.mark.parametrize("secret", ["customer_key", "azure_connection_string"])
def test_a_blob_with_a_secret_is_refused(monkeypatch, secret):
    """It is printed, pasted and committed; the message does not repeat it."""
    monkeypatch.setenv("PITCALL_STORAGE_B64", blob(**{secret: "hush"}))
    with pytest.raises(InvalidRequest, match="secret") as caught:
        read_settings()
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PITCALL_STORAGE_B64", "%%%"), ("PITCALL_STORAGE_B64", blob(bukket="x")), ("PITCALL_STORAGE_THREADS", "0")],
)
def test_a_wrong_value_is_named(monkeypatch, name, value):
    """One sentence, no stack trace."""
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidRequest, match=r"B64|threads"):
        read_settings()


@pytest.mark.parametrize("text", ["[storage", 'storage = "gs://x"', '[storage]\nbukket = "x"\n'])
def test_a_wrong_file_is_named(here, text):
    """A slip in a name would be a default in silence."""
    (here / ".pitcall.toml").write_text(text)
    with pytest.raises(InvalidRequest, match=r"\.pitcall\.toml"):
        read_settings()


def test_a_customers_key_is_32_bytes_and_not_shown():
    """A wrong one is refused before anything is encrypted with it."""
    with pytest.raises(InvalidRequest, match="32 bytes") as caught:
        read_settings(customer_key="c2hvcnQ=")
    assert "c2hvcnQ" not in str(caught.value)
    key = base64.b64encode(bytes(32)).decode()
    assert key not in repr(read_settings(customer_key=key))


@pytest.mark.parametrize(
    "url",
    ["", "http://x/y", "gs://", "gs://bucket/../c", "s3://user:hush@bucket/k", "file://host/x", "ftp://hush@x"],
)
def test_what_is_no_store_is_refused_without_secrets(url):
    """One sentence that shows what would be right, and no password."""
    with pytest.raises(InvalidRequest) as caught:
        open_store(url)
    assert "hush" not in str(caught.value)


def test_a_folder_is_a_store(here):
    """As a path and as a URL, spaces and all."""
    for url in ("some/folder", (here / "some folder").as_uri()):
        store = open_store(url)
        assert isinstance(store, DirectoryStore)
        store.put("a", b"x")
    assert (here / "some folder" / "a").read_bytes() == (here / "some" / "folder" / "a").read_bytes() == b"x"


def test_azure_without_account_says_what_to_set(monkeypatch):
    """There is no account to guess."""
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    with pytest.raises(InvalidRequest, match="PITCALL_STORAGE_ACCOUNT"):
        open_store("az://container")
    with pytest.raises(InvalidRequest, match="connection string"):
        open_store("az://container", read_settings(azure_connection_string="nonsense"))
