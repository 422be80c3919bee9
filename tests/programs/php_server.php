<?php
// SPDX-License-Identifier: MIT
// php_server.php PORT - answer each datagram with its words in reverse, by the
// calls of PHP's extension "sockets", until "the end"
$socket = socket_create(AF_INET, SOCK_DGRAM, SOL_UDP);
socket_bind($socket, '127.0.0.1', (int)$argv[1]) or exit(1);
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
