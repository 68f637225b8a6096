"""The sandbox: the host that plays every outside platform for tests, the demo and people who write mini-programs."""
