<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
// Work for a while, so that the pool grows.
for ($end = microtime(true) + 2; microtime(true) < $end;) md5(random_bytes(100));
echo "done";
