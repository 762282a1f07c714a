<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
session_start();
foreach (glob("/srv/forum/cache/*.html") as $page) echo strlen(file_get_contents($page)), "\n";
