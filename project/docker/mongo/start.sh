#!/bin/bash
# mongod as a replica set of one. A set wants a key file for its members, even for one; it lives in memory only.
set -euo pipefail
umask 077
printf '%s' "${MONGO_REPLICA_KEY:?}" > /run/mongo/key
unset MONGO_REPLICA_KEY
exec mongod --replSet rs0 --keyFile /run/mongo/key --dbpath /data/db --bind_ip_all \
    --quiet --wiredTigerCacheSizeGB 0.5
