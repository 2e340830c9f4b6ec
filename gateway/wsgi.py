"""Django's WSGI application; `gateway.asgi` puts it behind the door that granian serves."""

import os

from django.core.wsgi import get_wsgi_application

from gateway import telemetry

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway.settings")
telemetry.start("web")
application = get_wsgi_application()
