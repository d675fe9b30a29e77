#!/bin/sh
# Fill in the addresses of this installation, then become nginx. Everything it writes goes to /tmp.
set -eu
export GATEWAY_URL="${GATEWAY_URL:-http://gateway:8000}"
export S3_PUBLIC_ORIGIN="${S3_PUBLIC_ORIGIN:-}"
# nginx looks names up by itself, so that it finds a gateway that was started anew.
RESOLVER="${RESOLVER:-$(awk '$1 == "nameserver" { print ($2 ~ /:/ ? "[" $2 "]" : $2); exit }' /etc/resolv.conf)}"
export RESOLVER
# One MiB above the gateway's limit, so that the gateway answers whoever is slightly over it.
BODY_LIMIT_BYTES=$((${UPLOAD_LIMIT_BYTES:-33554432} + 1048576))
BODY_LIMIT_MIB=$((BODY_LIMIT_BYTES / 1048576))
export BODY_LIMIT_BYTES BODY_LIMIT_MIB
# shellcheck disable=SC2016  # these are the names for envsubst, not values
envsubst '$GATEWAY_URL $S3_PUBLIC_ORIGIN $RESOLVER $BODY_LIMIT_BYTES $BODY_LIMIT_MIB' < /etc/reelwork/nginx.conf.template > /tmp/nginx.conf
exec nginx -c /tmp/nginx.conf -g 'daemon off;'
