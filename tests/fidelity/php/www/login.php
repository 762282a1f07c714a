<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
session_start();
$_SESSION["name"] = $_GET["name"];
echo "hello ", htmlspecialchars($_GET["name"]);
