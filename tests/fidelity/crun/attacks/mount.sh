# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1611
about="mounts the host's disk device folder over a folder"
attack() { inject '
busybox mount -t tmpfs none /tmp && echo mounted
'; }
effect() { grep -q mounted "$state/answer"; }
