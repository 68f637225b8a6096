"""X7: nothing in the environment changes what leaves or where it goes."""

import pytest

from app.core import http, wire
from app.core.http import Call
from tests.support.outbound import admit
from tests.support.upstreams import running


@pytest.fixture
def canary():
    with running() as made:
        yield made


@pytest.fixture
def upstream(monkeypatch, canary):
    with running() as made:
        admit(monkeypatch, made.authority, canary.authority)
        yield made


@pytest.fixture
def hostile(monkeypatch, tmp_path, upstream, canary):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1\nlogin canary\npassword canary\ndefault\nlogin canary\npassword canary\n")
    netrc.chmod(0o600)
    proxy = f"http://canary:canary@{canary.authority}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, proxy)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".netrc").write_text(netrc.read_text())
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "canary.pem"))
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    return tmp_path


HEADERS = {"Authorization": "Bearer ours", "User-Agent": "t", "Accept": "*/*"}


def sent_by_both(upstream):
    http.forget()
    http.send(Call("GET", upstream.url("/x"), HEADERS))
    http.session().get(upstream.url("/x"), headers=HEADERS)
    return upstream.requests[-2:]


def test_the_bytes_are_the_same_as_in_a_clean_environment(upstream, canary, request):
    clean = sent_by_both(upstream)
    request.getfixturevalue("hostile")
    assert sent_by_both(upstream) == clean
    assert b"Authorization: Bearer ours" in clean[0]
    assert b"Authorization: Bearer ours" in clean[1]
    assert canary.connections == 0


def test_tls_takes_neither_roots_nor_a_key_log_from_the_environment(hostile):
    wire.tls.cache_clear()
    context = wire.tls()
    assert getattr(context, "keylog_filename", None) is None
    assert not (hostile / "keys").exists()
    assert len(context.get_ca_certs()) > 50  # the bundle's, not the missing file's
    assert context.check_hostname
    wire.tls.cache_clear()
