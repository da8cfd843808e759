#!/usr/bin/env bash
# The tracking server of a cluster, on its head: started again if it dies, ended when Ray's head process is gone (`ray down`).
#   tracking_server.sh /shared     # its database is /shared/mlflow.db, its artifacts /shared/mlartifacts; loopback, port 5000
# Started a second time, beside one that runs, it ends at once.
set -u
STORE=${1:?the folder of its database and artifacts}
HERE=$(cd "$(dirname "$0")/.." && pwd)
STAYS_S=${GIBBSWEEP_STAYS_S:-30}   # seconds for which it outlives Ray: `ray up` stops Ray and starts it again
exec 9> "$STORE/.tracking_server.lock"
flock --nonblock 9 || exit 0

export MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false
server=0
end() {
    [ "$server" = 0 ] || kill -- "-$server" 2> /dev/null   # with its workers: it leads a group of processes
    exit 0
}
trap end TERM INT HUP
set -m
last_seen=$SECONDS
while :; do
    if pgrep -u "$(id -u)" -x gcs_server > /dev/null; then
        last_seen=$SECONDS
    elif [ $((SECONDS - last_seen)) -ge "$STAYS_S" ]; then
        break
    fi
    if [ "$server" = 0 ] || ! kill -0 "$server" 2> /dev/null; then
        [ "$server" = 0 ] || kill -- "-$server" 2> /dev/null   # what of its group has outlived it holds its port
        "$HERE/.venv/bin/python" -m mlflow server --host 127.0.0.1 --port 5000 --workers 2 \
            --allowed-hosts '127.0.0.1:*,localhost:*' \
            --backend-store-uri "sqlite:///$STORE/mlflow.db" --artifacts-destination "$STORE/mlartifacts" 9>&- &
        server=$!
    fi
    sleep 2 9>&-
done
end
