"""What a server has when it starts: its first token, and its certificate."""

import ssl
import stat
from pathlib import Path

import pytest

from exporter.auth import first, tokens
from exporter.auth.certificates import Certificates
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import BadConfig
from tests.certified import Certified, certified, revoke, token

# ── The first token ───────────────────────────────────────────────────────────────────────────────────────────────


def test_the_admin_token_is_made_once_where_one_is_needed_and_goes_when_it_is_revoked(tmp_path: Path) -> None:
    clock = SystemClock()
    loopback, reached = Config(data=tmp_path), Config(data=tmp_path, auth="required")
    assert first.admin_token(loopback, clock) is None
    assert not (tmp_path / "admin.token").exists()
    made = first.admin_token(reached, clock)
    assert made == first.read(tmp_path)
    assert stat.S_IMODE((tmp_path / "admin.token").stat().st_mode) == 0o600
    assert first.admin_token(reached, clock) is None
    revoke(tmp_path, "admin")
    assert made is not None
    first.forget(tmp_path, tokens.digest_of(made))
    assert first.read(tmp_path) is None
    token(tmp_path, "admin", "read")  # the name is taken by one that is no admin's
    again = first.admin_token(reached, clock)
    assert again == first.read(tmp_path) != made


# ── Certificates ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certified:
    """Files that can be used."""
    return certified(tmp_path_factory.mktemp("tls"))


def test_what_is_wrong_with_a_certificate_is_said_with_the_mend(tmp_path: Path, good: Certified) -> None:
    other = certified(tmp_path / "other")
    text = tmp_path / "text"
    text.write_text("no certificate")
    text.chmod(0o600)
    wrong = {
        rf"tls.cert: cannot read {tmp_path}/no: No such file": (tmp_path / "no", good.key),
        rf"tls.key: cannot read {tmp_path}/no: No such file": (good.cert, tmp_path / "no"),
        rf"tls.key: {other.key} is not the key of {good.cert}; give the key": (good.cert, other.key),
        "tls.cert: cannot use .* give the certificate and its private key in PEM": (text, good.key),
        "tls.cert: cannot use .* the key without a password": (good.cert, text),
    }
    for said, files in wrong.items():
        with pytest.raises(BadConfig, match=said):
            Certificates(*files)
    other.key.chmod(0o604)
    with pytest.raises(BadConfig, match=rf"everybody on this machine may read {other.key}; chmod 600 {other.key}"):
        Certificates(other.cert, other.key)


def test_files_that_change_are_used_and_those_that_cannot_be_used_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = certified(tmp_path / "tls")
    used = Certificates(files.cert, files.key)
    assert used.context.minimum_version is ssl.TLSVersion.TLSv1_2
    before = used.pair
    used.refresh()
    assert used.pair is before
    files.key.write_text("half of a key")
    used.refresh()
    used.refresh()
    assert used.pair is before
    assert caplog.text.count("the certificate in use is the one from before: tls.cert: cannot use") == 1
    certified(tmp_path / "tls")
    used.refresh()
    assert used.pair != before
    assert used.pair.cert == files.cert.read_bytes()
