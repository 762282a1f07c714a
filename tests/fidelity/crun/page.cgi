#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A page of the container's; `eval` is its hole.
printf 'Content-Type: text/plain\r\n\r\n'
case $QUERY_STRING in
list) cat /www/rules.html ;;
sleep) sleep 0.1 ;;
eval) eval "$(cat)" 2>&1 ;;
esac
