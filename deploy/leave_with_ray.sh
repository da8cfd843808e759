#!/usr/bin/env bash
# On a machine of one's own that trains: ends what Ray leaves there once its raylet is gone. `ray down` stops Ray on the head
# alone; the raylets elsewhere notice within a minute and end, and their agents stay.
#   leave_with_ray.sh /path/to/ray     # started a second time, beside one that runs, it ends at once
set -u
RAY=${1:?the path of the program ray}
STAYS_S=${GIBBSWEEP_STAYS_S:-30}    # seconds without a raylet: `ray up` stops Ray and starts it again
exec 9> "${TMPDIR:-/tmp}/.gibbsweep-leave-$(id -u).lock"
flock --nonblock 9 || exit 0
last_seen=$SECONDS
while :; do
    if pgrep -u "$(id -u)" -x --runstates R,S,D raylet > /dev/null; then    # a dead one that nobody reaped is gone
        last_seen=$SECONDS
    elif [ $((SECONDS - last_seen)) -ge "$STAYS_S" ]; then
        break
    fi
    sleep 2 9>&-
done
exec "$RAY" stop 9>&-
