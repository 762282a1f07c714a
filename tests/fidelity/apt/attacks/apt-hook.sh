# SPDX-License-Identifier: Apache-2.0 OR MIT
# shellcheck shell=bash disable=SC2034,SC2154
technique=T1546
about="GTFOBins: a configuration with APT::Update::Pre-Invoke"
hostile() { :; }
before() { echo 'APT::Update::Pre-Invoke {"echo >/var/tmp/fidelity/marker/was-here"};' >/etc/apt/apt.conf.d/99x; }
effect() { [ -e "$marker" ]; }
after() { rm -f /etc/apt/apt.conf.d/99x; }
