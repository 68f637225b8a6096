"""celery -A app.worker worker | beat: the same rooms as the web, installed the same way, so the same jobs exist."""

from app.core.tasks import celery
from app.factory import create_app

create_app()
app = celery
