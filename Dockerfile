# Builds the virtual environment in one stage, copies it into a clean one; runs without root, on a read-only root.
# Give PYTHON a digest (python:3.11-slim-bookworm@sha256:…) where builds must repeat to the byte.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
WORKDIR /app
COPY requirements.txt requirements-observability.txt ./
ARG REQUIREMENTS=requirements.txt
RUN python -m venv --without-pip /venv \
 && pip --python /venv/bin/python install --no-cache-dir --no-compile --disable-pip-version-check -r "$REQUIREMENTS"

FROM ${PYTHON}
# pg_dump and pg_restore, for `manage.py backup` and `restore`.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends postgresql-client \
 && rm -rf /var/lib/apt/lists/* \
 && groupadd --gid 10001 gateway && useradd --no-create-home --uid 10001 --gid 10001 gateway \
 && mkdir --mode=0700 /data && chown 10001:10001 /data
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    GATEWAY_ENV=production DATA_DIR=/data STATIC_ROOT=/app/static-files HOST=0.0.0.0 PORT=8000 WEB_PROCESSES=2 \
    LIVENESS_FILE=/tmp/alive
# Static files are the same everywhere, so they are part of the image; the secrets of this one step are thrown away.
RUN GATEWAY_ENV=demo DATA_DIR=/tmp/build python manage.py collectstatic --noinput --verbosity 0 \
 && rm -rf /tmp/build && python -m compileall -q /app /venv
USER 10001:10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=4s --start-period=30s --retries=3 \
  CMD ["python", "-m", "gateway.liveness", "web"]
CMD ["python", "-m", "gateway.run", "web"]
