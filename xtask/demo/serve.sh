#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The demo's service: nginx in front, a script behind it. Runs until it receives SIGTERM.
python3 "$1/handler.py" 8766 &
nginx -c "$1/nginx.conf" &
trap 'kill %1 %2' TERM
wait
wait
