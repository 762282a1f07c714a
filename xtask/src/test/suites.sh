# SPDX-License-Identifier: Apache-2.0 OR MIT
# The suites in the lab's guest; the arguments are for ambit-lab.
exec ambit-lab "$@"
