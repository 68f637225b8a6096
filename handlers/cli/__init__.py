"""The command line: `flask <subject> <verb>`, one file a subject; each verb calls what the edge calls too.

Whoever can run it has the machine and the database's address already; the audit names their account on the machine.
"""

from flask import Flask

from handlers.cli import audit, catalogue, organisation, services, staff, templates

SUBJECTS = (audit, catalogue, organisation, services, staff, templates)


def init_app(flask_app: Flask) -> None:
    for subject in SUBJECTS:
        flask_app.cli.add_command(subject.group)
