# A worker with its models and their weights. The context is the repository's root.

FROM node:22-slim AS weights
WORKDIR /weights
COPY project/docker/fetch-weights.sh .
RUN sh fetch-weights.sh /weights/out

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build

# The tools that install and build, pinned like everything else; they stay in this stage.
COPY project/locks/bootstrap.txt locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/tools \
    && /opt/tools/bin/pip install --quiet --require-hashes --requirement locks/bootstrap.txt

COPY project/locks/worker.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    python -m venv --without-pip /opt/reelwork \
    && /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement locks/worker.txt

# What only some installations want: EXTRAS="otel sentry" (docs/operations.md).
ARG EXTRAS=
COPY project/locks/otel.txt project/locks/sentry.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    for extra in $EXTRAS; do /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement "locks/$extra.txt" || exit 1; done

COPY shared-lib shared-lib
COPY worker-service worker-service
RUN /opt/tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels ./shared-lib ./worker-service \
    && /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python --no-deps wheels/*.whl

# What the pool `browser` needs beside.
FROM build AS build-browser
COPY project/locks/browser.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement locks/browser.txt

FROM python:3.13-slim-trixie AS base
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reelwork
ENV PATH=/opt/reelwork/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 REELWORK_ALIVE_FILE=/tmp/worker.alive
STOPSIGNAL SIGTERM
# Touched every two seconds while the worker is connected to RabbitMQ and its loop turns.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=2 \
    CMD ["sh", "-c", "find \"$REELWORK_ALIVE_FILE\" -newermt '20 seconds ago' | grep -q ."]
CMD ["python", "-m", "worker"]

# `docker build --target browser`: with Debian's Chromium and fonts to lay pages out with.
FROM base AS browser
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends chromium-headless-shell fonts-liberation \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build-browser /opt/reelwork /opt/reelwork
ENV REELWORK_POOL=browser HOME=/tmp
USER 10001:10001

FROM base AS worker
COPY --from=build /opt/reelwork /opt/reelwork
COPY --from=weights /weights/out /opt/weights
ENV REELWORK_WEIGHTS_DIR=/opt/weights
USER 10001:10001
