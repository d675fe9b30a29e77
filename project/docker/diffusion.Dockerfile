# A worker of the pool `gpu` with the local diffusion models; its pipelines are mounted. The context is the
# repository's root. Build: docker build --file project/docker/diffusion.Dockerfile --tag reelwork-diffusion .
# Another build of torch, for another accelerator: --build-arg TORCH=…, with pip's settings (index) in the secret `pip`.

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build

# The tools that install and build, pinned like everything else; they stay in this stage.
COPY project/locks/bootstrap.txt locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/tools \
    && /opt/tools/bin/pip install --quiet --require-hashes --requirement locks/bootstrap.txt

ARG TORCH=torch==2.13.0
RUN --mount=type=cache,target=/root/.cache/pip --mount=type=secret,id=pip,target=/etc/pip.conf \
    python -m venv /opt/reelwork \
    && /opt/reelwork/bin/pip install --quiet "$TORCH"

COPY project/locks/worker.txt project/locks/diffusion.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement locks/worker.txt --requirement locks/diffusion.txt

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

FROM python:3.13-slim-trixie
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reelwork
COPY --from=build /opt/reelwork /opt/reelwork
# HOME: libraries write caches there, and find nothing to write to otherwise.
ENV PATH=/opt/reelwork/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp HF_HUB_OFFLINE=1 \
    REELWORK_POOL=gpu REELWORK_CONCURRENCY=1 REELWORK_DIFFUSION_DIR=/pipelines \
    REELWORK_ALIVE_FILE=/tmp/worker.alive
USER 10001:10001
STOPSIGNAL SIGTERM
# Touched every two seconds while the worker is connected to RabbitMQ and its loop turns.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=2 \
    CMD ["sh", "-c", "find \"$REELWORK_ALIVE_FILE\" -newermt '20 seconds ago' | grep -q ."]
CMD ["python", "-m", "worker"]
