#!/bin/sh
# Runs every peer in Python. Each is a program of its own: exit 0 good, 1 we disagree, 77 cannot be asked here.
set -u
cd "$(dirname "$0")/../.." || exit 2
python=target/peers/bin/python
if [ ! -e target/peers/requirements.sha256 ]; then
    echo "peers: skipped, since target/peers is missing (tests/setup/install.sh says why)"
    exit 0
fi
failed=0
for peer in tests/peers/*.py; do
    $python "$peer"
    case $? in
        0 | 77) ;;
        *) echo "peers: $peer failed" >&2; failed=1 ;;
    esac
done
exit $failed
