<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
// The newest upload, read in part: its head is looked at.
$all = glob("/srv/forum/uploads/*.png");
if ($all) echo bin2hex(fread(fopen(end($all), "r"), 16));
