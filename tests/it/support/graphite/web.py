"""graphite-web on a free port of the loopback, for what carbon has stored below ROOT.

    python web.py ROOT CACHE...

CACHE is HOST:PORT:INSTANCE of a cache's query port. The port is printed once it listens; it ends
with its standard input.
"""
import os
import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

root, *caches = sys.argv[1:]
settings = os.path.join(root, "web")
os.makedirs(os.path.join(settings, "log"), exist_ok=True)
with open(os.path.join(settings, "web_settings.py"), "w") as file:
    file.write(
        "from graphite.settings import *\n"
        "SECRET_KEY = 'only for tests'\n"
        f"GRAPHITE_ROOT = STORAGE_DIR = {root!r}\n"
        f"WHISPER_DIR = {root!r} + '/whisper'\n"
        "STANDARD_DIRS = [WHISPER_DIR]\n"
        f"LOG_DIR = {settings!r} + '/log'\n"
        f"INDEX_FILE = {settings!r} + '/index'\n"
        f"CARBONLINK_HOSTS = {caches!r}\n"
        "CARBONLINK_TIMEOUT = 1.0\n"
        "TIME_ZONE = 'UTC'\n"
        "ALLOWED_HOSTS = ['*']\n"
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3',"
        f" 'NAME': {settings!r} + '/db'}}}}\n"
    )
sys.path.insert(0, settings)
os.environ["DJANGO_SETTINGS_MODULE"] = "web_settings"

import django
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)


class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass


server = make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
