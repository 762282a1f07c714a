<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
session_start();
$name = basename($_FILES["file"]["name"]);
echo move_uploaded_file($_FILES["file"]["tmp_name"], "/srv/forum/uploads/" . date("Y-m-d") . "-$name") ? "kept $name" : "lost";
