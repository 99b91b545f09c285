#!/bin/sh
# Runs every peer in Python. Each is a program of its own: exit 0 good, 1 we disagree, 77 cannot be asked here.
# What a peer says is kept in target/peers-said; of a good one its last line is shown, and who fails is said once more
# at the end, where one looks first.
set -u
cd "$(dirname "$0")/../.." || exit 2
python=target/peers/bin/python
if [ ! -e target/peers/requirements.sha256 ]; then
    echo "peers: skipped, since target/peers is missing (tests/setup/install.sh says why)"
    exit 0
fi
said=target/peers-said
mkdir -p "$said"
failed=""
for peer in tests/peers/*.py; do
    name=$(basename "$peer" .py)
    began=$(date +%s)
    $python "$peer" >"$said/$name.log" 2>&1
    status=$?
    case $status in
        0 | 77) tail -n 1 "$said/$name.log" ;;
        *) failed="$failed $name"; echo "peers: $peer failed with $status after $(($(date +%s) - began)) s" ;;
    esac
done
for name in $failed; do
    printf '\n== tests/peers/%s.py failed; the end of %s/%s.log:\n' "$name" "$said" "$name"
    tail -n 25 "$said/$name.log" | cut -c1-400
done
[ -z "$failed" ]
