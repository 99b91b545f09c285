#!/bin/sh
# Runs every peer: those in Python, and the browser. Each is a program of its own: exit 0 good, 1 we disagree, 77 cannot
# be asked here.
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
for peer in tests/peers/*.py tests/browser/pages.mjs; do
    name=$(basename "${peer%.*}")
    began=$(date +%s)
    case $peer in
        *.py) run=$python ;;
        *) run=node ;;
    esac
    if ! command -v "$run" >/dev/null; then
        echo "$name: skipped, since $run is missing"
        continue
    fi
    "$run" "$peer" >"$said/$name.log" 2>&1
    status=$?
    case $status in
        0 | 77) tail -n 1 "$said/$name.log" ;;
        *) failed="$failed $peer"; echo "peers: $peer failed with $status after $(($(date +%s) - began)) s" ;;
    esac
done
for peer in $failed; do
    name=$(basename "${peer%.*}")
    printf '\n== %s failed; the end of %s/%s.log:\n' "$peer" "$said" "$name"
    tail -n 25 "$said/$name.log" | cut -c1-400
done
[ -z "$failed" ]
