<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
setlocale(LC_ALL, $_GET["locale"] . ".UTF-8");
date_default_timezone_set($_GET["zone"]);
echo date("r"), " ", strftime("%x");
