#!/bin/sh
# Runs an OpenSMTPD of its own in the foreground, as a relay that mail can be tested against: on loopback only, locked
# into DIR with a copy of what it needs, delivering nothing anywhere else. Needs root and the packages that
# tests/setup/install.sh unpacks into UNPACKED (Debian lets only one mail server be installed at a time).
#
#   opensmtpd.sh UNPACKED DIR PORT
#
# PORT speaks SMTP without TLS (that is Postfix's part). gone@… is refused with 550; everybody else's mail is put into
# DIR/mail/all/new. Ends with its standard input.
set -eu

unpacked=$1 dir=$2 port=$3
PATH=/usr/sbin:/sbin:$PATH
umask 022
chmod 755 "$dir"
cp -a "$unpacked/." "$dir/"
mkdir -p "$dir/dev" "$dir/etc" "$dir/tmp" "$dir/bin" "$dir/var/run" "$dir/var/spool" "$dir/var/lib/opensmtpd/empty" "$dir/mail/all"
chmod 1777 "$dir/tmp"

# Libraries from this machine; libevent came with the packages.
for program in "$dir/usr/sbin/smtpd" "$dir/usr/libexec/opensmtpd/mail.maildir" /bin/sh; do
    LD_LIBRARY_PATH=$(echo "$dir"/usr/lib/*/) ldd "$program" | grep -o '/[^ ]*' | grep -v "^$dir" || true
done | sort -u | while read -r library; do
    mkdir -p "$dir$(dirname "$library")"
    cp -L "$library" "$dir$library"
done
cp -L /bin/sh "$dir/bin/sh"
for device in null:3 random:8 urandom:9; do
    mknod -m 666 "$dir/dev/${device%:*}" c 1 "${device#*:}"
done

cat >"$dir/etc/passwd" <<END
root:x:0:0::/:/bin/sh
opensmtpd:x:64901:64901::/var/lib/opensmtpd/empty:/bin/false
opensmtpq:x:64902:64902::/var/lib/opensmtpd/empty:/bin/false
all:x:64903:64903::/mail:/bin/sh
END
cat >"$dir/etc/group" <<END
root:x:0:
opensmtpd:x:64901:
opensmtpq:x:64902:
all:x:64903:
END
echo "127.0.0.1 localhost relay.bdc.test" >"$dir/etc/hosts"
chown -R 64903:64903 "$dir/mail"
cat >"$dir/etc/smtpd.conf" <<END
table everybody { "@" = "all" }
listen on 127.0.0.1 port $port hostname relay.bdc.test
action file maildir "/mail/all" virtual <everybody>
match from any for rcpt-to "gone@huangpu.test" reject
match from any for any action file
END

chroot "$dir" /usr/sbin/smtpd -d -f /etc/smtpd.conf >"$dir/log" 2>&1 &
server=$!
stop() {
    kill "$server" 2>/dev/null || return 0
    wait "$server" 2>/dev/null || true
}
trap stop EXIT INT TERM
# It says nothing when it listens.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    kill -0 "$server" 2>/dev/null || { cat "$dir/log" >&2; exit 1; }
    grep -qi ":$(printf %04X "$port") 00000000:0000 0A" /proc/net/tcp && break
    sleep 0.1
done
echo "listening $port"
cat >/dev/null
