#!/bin/sh
# valkey-server with what only this stack knows. The password is in no list of processes: the server reads it from here.
set -eu
password=${VALKEY_PASSWORD:?}
unset VALKEY_PASSWORD
exec valkey-server - <<EOF
port ${VALKEY_PORT:-6379}
dir ${VALKEY_FOLDER:-/data}
requirepass "$password"
appendonly yes
save ""
maxmemory 192mb
maxmemory-policy noeviction
EOF
