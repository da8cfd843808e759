#!/usr/bin/env bash
# Installs what the proof of the cluster needs, where it is missing and this is root on Debian. The tests say what is
# missing still.
set -u
missing=""
for need in sshd:openssh-server ssh:openssh-client rsync:rsync ip:iproute2 tmux:tmux; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "${need%%:*}" > /dev/null || missing="$missing ${need##*:}"
done
[ -n "$missing" ] && [ "$(id -u)" = 0 ] && command -v apt-get > /dev/null || exit 0
# No server is started by its installation: the tests start their own, on networks of their own.
policy=/usr/sbin/policy-rc.d
if [ -e "$policy" ]; then policy=""; else printf '#!/bin/sh\nexit 101\n' > "$policy" && chmod 755 "$policy"; fi
apt-get update -qq && apt-get install -y -qq $missing > /dev/null || echo "could not be installed:$missing"
[ -z "$policy" ] || rm -f "$policy"
