# Builds the virtual environment in one stage, copies it into a clean one; runs without root.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.txt .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir -r requirements.txt

FROM python:3.11-slim
RUN useradd --system --create-home --uid 10001 gateway && mkdir /data && chown gateway /data
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_ENV=production DATA_DIR=/data STATIC_ROOT=/app/static-files HOST=0.0.0.0
# The static files are the same everywhere, so they are part of the image; the secrets of this one step are thrown away.
RUN GATEWAY_ENV=demo DATA_DIR=/tmp/build python manage.py collectstatic --noinput --verbosity 0 && rm -rf /tmp/build
USER gateway
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["granian", "--interface", "asginl", "gateway.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--workers-kill-timeout", "20", "--no-ws", "--log-level", "warning"]
