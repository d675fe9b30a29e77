#!/bin/sh
# init-env.sh [FILE]: write project/.env (or FILE) from .env.example, with secrets made here and now. A file that is
# there keeps every value; variables that a newer .env.example has are added to it.
set -eu
umask 077
example=$(dirname "$0")/../.env.example
file=${1:-$(dirname "$0")/../.env}

random() {
    od -An -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# Every <random> becomes 64 random hex digits of its own, every <id> the form of an id.
fill() {
    line=$1
    while :; do
        case $line in
        *'<random>'*) line="${line%%'<random>'*}$(random 32)${line#*'<random>'}" ;;
        *'<id>'*) line="${line%%'<id>'*}01$(random 12)${line#*'<id>'}" ;;
        *) break ;;
        esac
    done
    printf '%s\n' "$line"
}

is_new=true
if [ -f "$file" ]; then
    is_new=false
    cp "$file" "$file.new"
else
    : > "$file.new"
fi
while IFS= read -r line || [ -n "$line" ]; do
    case $line in
    [A-Z]*=*)
        grep -q "^${line%%=*}=" "$file.new" || fill "$line" >> "$file.new"
        ;;
    *)
        if $is_new; then printf '%s\n' "$line" >> "$file.new"; fi
        ;;
    esac
done < "$example"
chmod 0600 "$file.new"
mv "$file.new" "$file"
