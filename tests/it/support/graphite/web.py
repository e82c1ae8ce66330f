"""graphite-web on a free port of the loopback, for what carbon has stored below ROOT.

    python web.py ROOT CACHE... [--no-pictures]

CACHE is HOST:PORT:INSTANCE of a cache's query port. The address is printed once it listens.
With --no-pictures it does without cairo, and then answers in JSON only.
"""
import os
import secrets
import sys
import unittest.mock
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

root, *caches = sys.argv[1:]
if "--no-pictures" in caches:
    caches.remove("--no-pictures")
    sys.modules["cairocffi"] = unittest.mock.MagicMock()
settings = os.path.join(root, "web")
os.makedirs(os.path.join(settings, "log"), exist_ok=True)
with open(os.path.join(settings, "web_settings.py"), "w") as file:
    file.write(
        "from graphite.settings import *\n"
        f"SECRET_KEY = {secrets.token_hex(16)!r}\n"
        f"GRAPHITE_ROOT = STORAGE_DIR = {root!r}\n"
        f"WHISPER_DIR = {root!r} + '/whisper'\n"
        "STANDARD_DIRS = [WHISPER_DIR]\n"
        f"LOG_DIR = {settings!r} + '/log'\n"
        f"INDEX_FILE = {settings!r} + '/index'\n"
        f"CARBONLINK_HOSTS = {caches!r}\n"
        "CARBONLINK_TIMEOUT = 2.0\n"
        "DEFAULT_CACHE_DURATION = FIND_CACHE_DURATION = 0\n"
        f"STATICFILES_DIRS = [{os.path.join(sys.prefix, 'webapp', 'content')!r}]\n"
        "TIME_ZONE = 'UTC'\n"
        "ALLOWED_HOSTS = ['127.0.0.1']\n"
        f"DATABASES = {{'default': {{'ENGINE': 'django.db.backends.sqlite3',"
        f" 'NAME': {settings!r} + '/db'}}}}\n"
    )
sys.path.insert(0, settings)
os.environ["DJANGO_SETTINGS_MODULE"] = "web_settings"

import django
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass


application = StaticFilesHandler(get_wsgi_application())
server = make_server("127.0.0.1", 0, application, server_class=Server, handler_class=Quiet)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
