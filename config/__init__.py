"""Plain data: settings and tables. Imports nothing of ours; the rooms that own the meaning check it at install."""
