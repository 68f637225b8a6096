"""The sandbox's door: `gunicorn --workers 1 --threads 16 app.sandbox.wsgi:app`.

One process: the stand-ins' state lives in its memory. Threads, because a scripted hang must not stop the others.
"""

from app.sandbox.factory import create_sandbox
from config.settings import get_settings

app = create_sandbox(get_settings())
