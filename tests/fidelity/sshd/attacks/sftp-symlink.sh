# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1083
about="sftp follows a link out of the folder"
before() { ln -sfn /etc $home/files/link; }
attack() { echo 'get files/link/fstab'" $state/answer" | timeout 30 sftp "${options[@]}" -i "$state/keys/good" -P 2222 -b - joe@127.0.0.1; }
effect() { [ -s "$state/answer" ]; }
after() { rm -f $home/files/link "$state/answer"; }
