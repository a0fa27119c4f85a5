# The API, for a PostgreSQL of yours: no embedded server, no compiler, no root.
#
#   docker build -t booking-system .
#   docker run --rm --env-file=api.env -e BOOKING_MIGRATION_URL=… booking-system migrate
#   docker run -p 127.0.0.1:8000:8000 --env-file=api.env booking-system
#
# api.env holds what production does not start without: BOOKING_SECRET_KEY, BOOKING_DATABASE_URL,
# BOOKING_PUBLIC_URL, and BOOKING_FORWARDED_ALLOW_IPS for the proxy in front (SECURITY.md).
# compose.yaml starts the image with a PostgreSQL, on one machine.

FROM python:3.13-slim-trixie AS builder

# Wheels only, each of a known hash: what would have to be compiled stops the build. The virtual
# environment gets no pip.
WORKDIR /build
COPY requirements/runtime.txt ./
RUN python -m venv --without-pip /opt/venv \
    && pip --python /opt/venv/bin/python install --no-cache-dir --disable-pip-version-check \
        --no-deps --only-binary=:all: --require-hashes -r runtime.txt

WORKDIR /app
COPY alembic.ini ./
COPY migrations ./migrations
COPY src/booking_system ./src/booking_system
# The disk is read-only later. Hashes instead of dates: copying may change those.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app \
    && mkdir /data


FROM python:3.13-slim-trixie AS product

LABEL org.opencontainers.image.title="Booking System" \
      org.opencontainers.image.description="Appointment booking for clinics" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT"

# Production refuses to start with an unsafe setting, and these alone are not enough.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/app/src \
    PYTHONUNBUFFERED=1 \
    BOOKING_ENV=production \
    BOOKING_HOST=0.0.0.0 \
    BOOKING_PORT=8000 \
    BOOKING_DATA_DIR=/data \
    BOOKING_LOG_FORMAT=json

COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /app /app
# Only a development instance writes here: the key that it makes, the credentials of the demo.
COPY --from=builder --chown=10001:10001 /data /data

# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
WORKDIR /app
EXPOSE 8000
STOPSIGNAL SIGTERM

# Live, not ready: who watches this restarts what is unhealthy, and no restart of ours mends a
# database that is away. Load balancers ask /health/ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --start-interval=1s --retries=3 \
    CMD ["python", "-I", "-c", "import os, sys, http.client as http; live = http.HTTPConnection('127.0.0.1', int(os.environ['BOOKING_PORT']), timeout=4); live.request('GET', '/health/live'); sys.exit(live.getresponse().status != 200)"]

# No shell between: signals arrive. SIGTERM ends it with 0 once open requests are done, which may
# take 10 seconds; 2 is for settings, 3 for the database, see --help.
ENTRYPOINT ["python", "-m", "booking_system.bootstrap.cli"]
CMD ["serve"]


# Benchmarks, races and demo data: `docker build --target lab`, or compose's service of that name.
FROM product AS lab
COPY src/booking_lab /app/src/booking_lab
ENTRYPOINT ["python", "-m", "booking_lab"]
CMD ["--help"]


# What is built where no target is named.
FROM product
