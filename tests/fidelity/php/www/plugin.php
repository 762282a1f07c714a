<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
// What a request names is included: `../` is the hole.
echo (include "/srv/forum/www/plugins/" . $_GET["name"] . ".php")("text");
