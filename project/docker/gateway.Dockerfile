# The gateway, and the commands that come with it (accounts and keys). The context is the repository's root.

FROM python:3.13-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
WORKDIR /build

# The tools that install and build, pinned like everything else; they stay in this stage.
COPY project/locks/bootstrap.txt locks/
RUN --mount=type=cache,target=/root/.cache/pip \
    python -m venv /opt/tools \
    && /opt/tools/bin/pip install --quiet --require-hashes --requirement locks/bootstrap.txt

COPY project/locks/gateway.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    python -m venv --without-pip /opt/reelwork \
    && /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement locks/gateway.txt

# What only some installations want: EXTRAS="otel sentry" (docs/operations.md).
ARG EXTRAS=
COPY project/locks/otel.txt project/locks/sentry.txt locks/
RUN --mount=type=cache,target=/root/.cache/uv \
    for extra in $EXTRAS; do /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python \
        --require-hashes --no-build --requirement "locks/$extra.txt" || exit 1; done

COPY shared-lib shared-lib
COPY gateway-service gateway-service
RUN /opt/tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir wheels ./shared-lib ./gateway-service \
    && /opt/tools/bin/uv pip install --python /opt/reelwork/bin/python --no-deps wheels/*.whl

FROM python:3.13-slim-trixie
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reelwork
COPY --from=build /opt/reelwork /opt/reelwork
ENV PATH=/opt/reelwork/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=4 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
CMD ["python", "-m", "gateway", "--host", "0.0.0.0", "--port", "8000"]
