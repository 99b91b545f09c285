#!/bin/sh
# Puts together the files of the image: the program, the libraries that it asks for, the certificates of the public
# authorities, and a user without rights. Nothing else: no shell, no package manager.
#   rootfs.sh PROGRAM FOLDER
set -eu
# The image's user is not the one who builds it.
umask 022
program=$1
root=$2
[ ! -e "$root" ] || { echo "rootfs: $root exists already; name a new folder" >&2; exit 2; }

mkdir -p "$root/usr/bin" "$root/etc/ssl/certs" "$root/etc/gengfu" "$root/var/lib/gengfu" "$root/tmp"
strip --strip-debug -o "$root/usr/bin/gengfu" "$program"

# The loader and each library at the path where the program looks for it.
ldd "$program" | awk '/=> \// { print $3 } /^[[:space:]]*\// { print $1 }' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
done
# Name services that the C library opens by itself.
for library in libnss_dns.so.2 libnss_files.so.2 libresolv.so.2; do
    for found in /lib/*-linux-gnu/$library /usr/lib/*-linux-gnu/$library; do
        [ -e "$found" ] && mkdir -p "$root$(dirname "$found")" && cp -L "$found" "$root$found"
    done
done

[ -e /etc/ssl/certs/ca-certificates.crt ] || { echo "rootfs: apt-get install ca-certificates first" >&2; exit 2; }
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
echo 'gengfu:x:65532:65532::/var/lib/gengfu:/nonexistent' >"$root/etc/passwd"
echo 'gengfu:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"

chmod 755 "$root/usr/bin/gengfu"
chmod 1777 "$root/tmp"
chmod 750 "$root/var/lib/gengfu"
# Only root may give files away; the Containerfile does it again when it copies.
[ "$(id -u)" -ne 0 ] || chown 65532:65532 "$root/var/lib/gengfu"
