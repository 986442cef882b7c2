#!/bin/sh
# Runs git in a process group of its own, and kills all of that group when told to stop (SIGINT, SIGTERM) or when the
# worker dies. A signal to git alone leaves git-remote-http behind, which then waits for its server for ever.
#
# HOLDFAST_GIT: the git to run. HOLDFAST_WORKER: the pid whose death ends it.
if [ -z "$HOLDFAST_GUARDED" ] && command -v setpriv >/dev/null 2>&1; then
  export HOLDFAST_GUARDED=1
  exec setpriv --pdeathsig TERM -- /bin/sh "$0" "$@"
fi
# The worker may have died before the death signal was armed.
[ "$PPID" = "$HOLDFAST_WORKER" ] || exit 70

# By group and by pid: the child may not have become the leader of its group yet, or may do so in between.
stop() {
  for target in "-$!" "$!" "-$!"; do kill -s KILL -- "$target" 2>/dev/null; done
  wait
  exit 130
}
trap stop INT TERM

# A background command of a shell reads from /dev/null unless it is told otherwise.
exec 3<&0
if command -v setsid >/dev/null 2>&1; then
  setsid "$HOLDFAST_GIT" "$@" <&3 3<&- &
else
  set -m
  "$HOLDFAST_GIT" "$@" <&3 3<&- &
fi
wait "$!"
