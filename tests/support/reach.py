"""What of a citizen's request may never reach a service, whatever the request looked like (security.md X6, L5)."""

from tests.support.upstream import Received

READ_HEADERS = frozenset({
    "host", "accept-encoding", "accept", "x-request-id", "x-channel", "x-region", "x-tif-paasid", "x-tif-timestamp",
    "x-tif-nonce", "x-tif-signature",
})  # fmt: skip
WRITE_HEADERS = READ_HEADERS | {"content-type", "content-length", "idempotency-key", "x-subject-token"}


def assert_nothing_slipped_through(seen: Received, *canaries: str, prefix: str = "/ebus/cards/") -> None:
    """Only headers of ours, each once; a target inside the registered prefix; none of the given texts anywhere."""
    allowed = READ_HEADERS if seen.method == "GET" else WRITE_HEADERS
    assert set(seen.headers) <= allowed, set(seen.headers) - allowed
    assert all(len(values) == 1 for values in seen.headers.values()), seen.headers
    path = seen.target.partition("?")[0]
    assert path.startswith(prefix), seen.target
    assert not {".", "..", ""} & set(path.removeprefix("/").split("/")), seen.target
    everything = f"{seen.target} {seen.headers} {seen.body!r}"
    for canary in canaries:
        assert canary not in everything, canary
