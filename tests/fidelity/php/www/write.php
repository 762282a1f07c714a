<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
// An entry; its page is written beside the old one and renamed.
session_start();
$base = new SplFileObject("/srv/forum/cache/entries", "a");
$base->flock(LOCK_EX);
$base->fwrite(($_SESSION["name"] ?? "nobody") . ": " . $_POST["text"] . "\n");
$new = tempnam("/srv/forum/cache", "page");
file_put_contents($new, implode("<br>", array_slice(file("/srv/forum/cache/entries"), -20)));
rename($new, "/srv/forum/cache/" . substr(md5($_POST["text"]), 0, 2) . ".html");
echo "written";
