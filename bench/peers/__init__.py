"""The same work list three other ways, each as its own people would write it. Pinned in pyproject's group `bench`."""
