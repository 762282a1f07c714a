<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
echo "the forum has ", count(glob("/srv/forum/cache/*.html")), " pages\n";
