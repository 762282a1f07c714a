# SPDX-License-Identifier: Apache-2.0 OR MIT
# The suites in the lab's guest; the arguments are for ambit-lab.
#
# Loading the kernel part takes seconds in an emulated machine, and each test runs ambit a few times. It is loaded
# once, by a run beside the tests that keeps it; except for the tests of how it comes and goes.
ambit run --learn --quiet --domain kept --output /run/kept.map -- ambit-loop sleep &
kept=$!
# The command starts when everything is in place.
until pgrep -x ambit-loop >/dev/null || ! kill -0 "$kept" 2>/dev/null; do sleep 0.2; done
ambit-lab "$@" --skip live::
beside=$?
kill "$kept" 2>/dev/null
wait "$kept"

mapfile -t others < <(ambit-lab --list | sed -n 's/^\([a-z]*::\).*/\1/p' | sort -u | grep -v '^live::')
ambit-lab "$@" "${others[@]/#/--skip=}"
alone=$?
[ "$beside" -eq 0 ] && [ "$alone" -eq 0 ]
