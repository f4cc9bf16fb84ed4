#!/bin/sh
# Makes the executor's key pair at the first `up`; later ones keep it.
set -eu
executor_uid=1000

if [ ! -f /ssh/id_ed25519 ]; then
  ssh-keygen -q -t ed25519 -N '' -C moltbot-executor -f /tmp/id_ed25519
  mv /tmp/id_ed25519 /tmp/id_ed25519.pub /ssh/
fi
chown "$executor_uid:$executor_uid" /ssh/id_ed25519
chmod 0400 /ssh/id_ed25519
chmod 0444 /ssh/id_ed25519.pub
