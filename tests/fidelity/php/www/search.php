<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
echo count(preg_grep("/" . preg_quote($_GET["text"]) . "/u", file("/srv/forum/cache/entries") ?: []));
