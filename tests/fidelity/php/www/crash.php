<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
posix_kill(getmypid(), 9);
