#!/usr/bin/env bash
# The first process of a machine of tests/cluster_proof/machines.py: sees to the machine's files, and becomes its sshd.
# Variables: FOLDER (the machine's), SHARED, VENV (an installed environment), ADDRESS, HOST.
set -euo pipefail
root=$FOLDER/root
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/upper,workdir=$FOLDER/work" "$root"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/dev/shm"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/run/sshd"
install -m 644 "$FOLDER/../key.pub" "$root/run/key.pub"
mkdir -p "$root/mnt/venv"
mount --bind "$VENV" "$root/mnt/venv"           # before /tmp, in which it may lie
mount -t tmpfs tmpfs "$root/tmp"
chmod 1777 "$root/tmp"
mkdir -p "$root$VENV" "$root/shared"
mount --bind "$VENV" "$root$VENV"
mount --bind "$SHARED" "$root/shared"
hostname "$HOST"
printf '127.0.0.1 localhost\n%s %s\n' "$ADDRESS" "$HOST" > "$root/etc/hosts"
cp "$FOLDER/profile.sh" "$root/etc/profile.d/zz_proof.sh"
mkdir -p "$root/usr/local/bin"
install -m 755 "$FOLDER/../python3" "$root/usr/local/bin/python3"
# A fresh machine would install packages and mount a network disk: they are there, and /shared is mounted.
printf '#!/bin/sh\nexit 0\n' | tee "$root/usr/local/bin/sudo" > "$root/usr/local/bin/dpkg"
chmod 755 "$root/usr/local/bin/sudo" "$root/usr/local/bin/dpkg"
exec chroot "$root" bash -c '
    chmod 755 /root                       # the Python of the installed environment may live in it
    userdel -f ubuntu 2> /dev/null
    useradd -m -u 4242 -s /bin/bash ubuntu && usermod -p "*" ubuntu
    install -d -m 700 -o ubuntu /home/ubuntu/.ssh
    install -m 600 -o ubuntu /run/key.pub /home/ubuntu/.ssh/authorized_keys
    install -m 600 -o ubuntu /dev/stdin /home/ubuntu/.ssh/config <<< "StrictHostKeyChecking no"
    rm -f /etc/ssh/ssh_host_*; ssh-keygen -q -t ed25519 -N "" -f /etc/ssh/ssh_host_ed25519_key
    exec /usr/sbin/sshd -D -e -o PidFile=none -o PasswordAuthentication=no -o UsePAM=no -o MaxStartups=50 -o MaxSessions=50'
