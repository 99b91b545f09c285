#!/bin/sh
# Runs a Postfix of its own in the foreground, as a relay that mail can be tested against: on loopback only, with its
# own configuration, queue and mailboxes under DIR, delivering nothing anywhere else. Needs root and Debian's `postfix`.
#
#   postfix.sh DIR PORT TLS_PORT CERTIFICATE KEY
#
# PORT speaks SMTP with STARTTLS on offer, TLS_PORT speaks TLS from the first byte. gone@… is refused with 550,
# later@… with 450; everybody else's mail is put into DIR/mail/all/new. Ends with its standard input.
set -eu

dir=$1 port=$2 tls_port=$3 certificate=$4 key=$5
PATH=/usr/sbin:/sbin:$PATH
mkdir -p "$dir/etc" "$dir/spool" "$dir/data" "$dir/mail/all"
chmod 755 "$dir" "$dir/etc" "$dir/spool"
chown postfix "$dir/data"
chown -R nobody "$dir/mail"

cat >"$dir/etc/main.cf" <<END
compatibility_level = 3.6
queue_directory = $dir/spool
data_directory = $dir/data
maillog_file = $dir/log
maillog_file_prefixes = $dir
syslog_name = gengfu-test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.bdc.test
mynetworks = 127.0.0.0/8
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = static:ALL
virtual_mailbox_base = $dir/mail
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:$(id -u nobody)
virtual_gid_maps = static:$(id -g nobody)
default_transport = error:this relay delivers nothing outside
relay_transport = error:this relay delivers nothing outside
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions =
    check_recipient_access inline:{ {gone@huangpu.test=550 5.1.1 no such mailbox} {later@huangpu.test=450 4.2.0 greylisted} }
    permit_mynetworks reject
smtpd_tls_security_level = may
smtpd_tls_cert_file = $certificate
smtpd_tls_key_file = $key
message_size_limit = 10485760
END

cat >"$dir/etc/master.cf" <<END
$port inet n - n - - smtpd
$tls_port inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
END

# By its own id: the folder may be gone before we are.
stop() {
    [ -z "${master:-}" ] && return
    kill "$master" 2>/dev/null || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 "$master" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$master" 2>/dev/null || true
}
trap stop EXIT INT TERM
postfix -c "$dir/etc" start >/dev/null 2>"$dir/start.log" || { cat "$dir/start.log" "$dir/log" >&2; exit 1; }
master=$(tr -d ' ' <"$dir/spool/pid/master.pid")
echo "listening $port"
cat >/dev/null
