"""`make bench`: Tongban's proxied call beside the same work written by others, in one run, on one machine.

Nothing here is imported by the application. docs/performance.md says what is measured, how, and what it gave.
"""
