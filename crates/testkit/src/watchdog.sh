# Makes a cluster, runs its server, and removes it all when either the server or whoever started us is gone.
# The latter shows as the end of our standard input, which is a pipe from there: it closes however that process ends,
# be it by `kill -9`. Arguments: the directory of PostgreSQL's programs, the cluster's own directory, that of the cluster
# which this one is a standby of, or nothing, server options.
# All output goes to a file, because to write to someone who is gone would end us too early.

bin=$1 dir=$2 primary=$3
shift 3
exec 3<&0 4>&2 </dev/null >"$dir/log" 2>&1

# By a single-user server, so that the role is there before anyone can connect.
create_role() {
    echo 'CREATE ROLE haat_owner LOGIN CREATEDB CREATEROLE NOSUPERUSER' |
        "$bin/postgres" --single -j -D "$dir/data" postgres
}

make_data() {
    if [ -n "$primary" ]; then
        "$bin/pg_basebackup" -D "$dir/data" --host="$primary" --username=postgres \
            --checkpoint=fast --wal-method=stream --write-recovery-conf --no-sync
    else
        "$bin/initdb" -D "$dir/data" --username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync &&
            create_role
    fi
}

# Runs the server until it ends by itself, or is told to end because there is no more input.
serve() {
    "$bin/postgres" -D "$dir/data" -k "$dir" "$@" 3<&- 4>&- &
    server=$!
    # QUIT is PostgreSQL's immediate shutdown. A server so young that it does not listen to signals yet ignores it,
    # as what a shell runs in the background does, and dies of TERM instead. The shell reads by itself: a program that
    # did so for it would outlive it, and take the next line. One that a test has stopped must go on to end.
    { read -r _ <&3; kill -TERM "$server"; kill -QUIT "$server"; kill -CONT "$server"; } 4>&- &
    wait "$server"
    # It may have ended by itself; then nobody should signal a process that got its number since.
    kill "$!"
    wait "$!"
}

if make_data; then
    serve "$@"
    # Who has killed the server leaves a mark, which we take away; a line then starts it on the same data.
    while [ -e "$dir/killed" ] && rm "$dir/killed" && read -r _ <&3; do
        serve "$@"
    done
fi
tail -n 5 "$dir/log" >&4
rm -rf "$dir"
