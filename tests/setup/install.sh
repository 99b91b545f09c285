#!/bin/sh
# Puts in place what the tests want besides Rust: Debian packages where apt-get may be used, and a Python environment
# for the peers. Idempotent and quiet; says clearly what it cannot install, and never fails for that: the tests that
# need what is missing say so and are left out.
#
# Chromium and its fonts for Chinese, which look at the pages and the mails, are the dearest: 170 MB to fetch, 450 MB on disk.
set -u
cd "$(dirname "$0")/../.." || exit 2

log=target/setup.log
mkdir -p target
missing=""

say() { printf 'setup: %s\n' "$*"; }
has() { command -v "$1" >/dev/null 2>&1 || [ -x "/usr/sbin/$1" ]; }

# command:package pairs; a package is asked for only if its command is not there.
wanted="cc:build-essential promtool:prometheus prometheus-blackbox-exporter:prometheus-blackbox-exporter
nginx:nginx-light postfix:postfix python3:python3 openssl:openssl unbound:unbound redis-server:redis-server
sshd:openssh-server ssh-keygen:openssh-client sipp:sip-tester mariadbd:mariadb-server faketime:faketime
node:nodejs npm:npm amtool:prometheus-alertmanager chromium:chromium"

packages=""
for pair in $wanted; do
    has "${pair%%:*}" || packages="$packages ${pair#*:}"
done
# Two that leave their programs outside of PATH.
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || packages="$packages postgresql"
[ -x /usr/lib/nagios/plugins/check_load ] || packages="$packages monitoring-plugins-basic"
python3 -c 'import ensurepip, venv' 2>/dev/null || packages="$packages python3-venv"
[ -d /usr/share/fonts/opentype/noto ] || packages="$packages fonts-noto-cjk"

# Services that Debian would start at once stay stopped: the tests start their own, on loopback, on free ports.
without_services() {
    rc=/usr/sbin/policy-rc.d
    made=""
    if [ ! -e "$rc" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$rc" && chmod 755 "$rc" && made=yes
    fi
    "$@"
    status=$?
    [ -n "$made" ] && rm -f "$rc"
    return $status
}

apt_install() {
    # shellcheck disable=SC2086 # a list of words on purpose
    without_services apt-get install -y -q --no-install-recommends $1 </dev/null >>"$log" 2>&1
}

if [ -n "$packages" ]; then
    if ! has apt-get; then
        say "this is no Debian: install the equivalents of$packages by hand"
        missing="$packages"
    elif [ "$(id -u)" -ne 0 ]; then
        say "not root: run  apt-get install --no-install-recommends$packages  as root, then again"
        missing="$packages"
    else
        export DEBIAN_FRONTEND=noninteractive
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections 2>>"$log"
        say "installing$packages (log: $log)"
        apt-get update -q </dev/null >>"$log" 2>&1 || say "apt-get update failed; trying with the lists at hand"
        if ! apt_install "$packages"; then
            # One package that cannot be had must not keep the others out.
            for package in $packages; do
                apt_install "$package" || missing="$missing $package"
            done
        fi
        if has systemctl; then
            for unit in prometheus prometheus-alertmanager prometheus-blackbox-exporter nginx postfix unbound redis-server mariadb postgresql ssh; do
                case "$packages" in *"$unit"*) systemctl disable --quiet "$unit" >>"$log" 2>&1 ;; esac
            done
        fi
    fi
fi

# A second mail server, which Debian does not let in beside Postfix: unpacked, and run from there by its test.
if [ ! -x target/opensmtpd/usr/sbin/smtpd ] && has apt-get; then
    work=$(mktemp -d)
    if (cd "$work" && apt-get download -q opensmtpd libevent-2.1-7) </dev/null >>"$log" 2>&1; then
        for file in "$work"/*.deb; do
            dpkg -x "$file" target/opensmtpd >>"$log" 2>&1
        done
    else
        missing="$missing opensmtpd"
    fi
    rm -rf "$work"
fi

# The Python side: packages that judge ours, never part of the product.
venv=target/peers
stamp=$venv/requirements.sha256
now=$(sha256sum tests/setup/requirements.txt 2>/dev/null | cut -d' ' -f1)
if [ ! -e "$stamp" ] || [ "$(cat "$stamp")" != "$now" ]; then
    if python3 -m venv --clear "$venv" >>"$log" 2>&1 &&
        "$venv/bin/pip" install -q --no-input --disable-pip-version-check -r tests/setup/requirements.txt \
            </dev/null >>"$log" 2>&1; then
        echo "$now" >"$stamp"
    else
        say "no Python environment (python3-venv or the package index is missing): peers in Python are left out"
        missing="$missing python-peers"
    fi
fi

# Packages of npm, each set in a folder below target/peers, since the tree has no node_modules. What drives a browser
# brings none along: it takes Debian's.
npm_packages() {
    kept=target/peers/$1
    now=$(sha256sum "$2/package-lock.json" | cut -d' ' -f1)
    [ "$(cat "$kept/stamp" 2>/dev/null)" = "$now" ] && return
    mkdir -p "$kept" && cp "$2/package.json" "$2/package-lock.json" "$kept"
    if has npm && (cd "$kept" && npm ci --ignore-scripts --no-audit --no-fund --silent) </dev/null >>"$log" 2>&1; then
        echo "$now" >"$kept/stamp"
    else
        say "no packages of $2 (npm or its registry is missing): $3"
        missing="$missing npm-$1"
    fi
}
npm_packages grafana tests/peers/grafana "Grafana's types are not asked about the dashboards"
npm_packages browser tests/browser "the pages are not looked at with a browser"

if ! has cargo; then
    say "cargo is missing: install Rust 1.95 or later from https://rustup.rs, then run this again"
    exit 2
fi
[ -n "$missing" ] && say "could not install:$missing; what needs it is skipped, see $log"
exit 0
