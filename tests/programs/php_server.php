<?php
// SPDX-License-Identifier: MIT
// php_server.php ADDRESS PORT - answer each datagram with its words in reverse, by the
// calls of PHP's extension "sockets", until "the end"
$family = strpos($argv[1], ':') === false ? AF_INET : AF_INET6;
$socket = socket_create($family, SOCK_DGRAM, SOL_UDP);
socket_bind($socket, $argv[1], (int)$argv[2]) or exit(1);
$timeout = ['sec' => 20, 'usec' => 0];
socket_set_option($socket, SOL_SOCKET, SO_RCVTIMEO, $timeout);

do {
    if (socket_recvfrom($socket, $text, 65536, 0, $addr, $port) === false) {
        fwrite(STDERR, socket_strerror(socket_last_error($socket)) . "\n");
        exit(1);
    }
    $answer = implode(' ', array_reverse(explode(' ', $text)));
    socket_sendto($socket, $answer, strlen($answer), 0, $addr, $port);
} while ($text !== 'the end');
