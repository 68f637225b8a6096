"""The server of the platforms' stand-ins: one process, so that its journal and its scripted faults are one."""

from config.settings import get_settings

bind = [f"127.0.0.1:{get_settings().sandbox_port}"]
worker_class = "gthread"
workers = 1
threads = 16
timeout = 120  # a scripted fault may hang on purpose
graceful_timeout = 5
accesslog = None
errorlog = "-"
loglevel = "warning"
control_socket_disable = True
