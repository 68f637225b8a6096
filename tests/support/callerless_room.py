"""A room that forgets to say who may call."""


def init_app(flask_app):
    flask_app.add_url_rule("/open-door", "open_door", lambda: "in")
