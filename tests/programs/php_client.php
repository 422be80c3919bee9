<?php
// SPDX-License-Identifier: MIT
// php_client.php PORT - talk with php_server.php: by the extension "sockets",
// connected and not, and by a stream of PHP's own
$port = (int)$argv[1];

function check($what, $said, $expected)
{
    if ($said !== $expected) {
        fwrite(STDERR, "$what: " . var_export($said, true) . "\n");
        exit(1);
    }
    echo "$what\n";
}

function fresh()
{
    $socket = socket_create(AF_INET, SOCK_DGRAM, SOL_UDP);
    $timeout = ['sec' => 10, 'usec' => 0];
    socket_set_option($socket, SOL_SOCKET, SO_RCVTIMEO, $timeout);
    return $socket;
}

$connected = fresh();
socket_connect($connected, '127.0.0.1', $port);
socket_write($connected, 'one two three');
check('connected', socket_read($connected, 100), 'three two one');

$socket = fresh();
socket_sendto($socket, 'not connected', 13, 0, '127.0.0.1', $port);
socket_recvfrom($socket, $said, 100, 0, $from, $from_port);
check('not connected', $said, 'connected not');
check('the same peer', "$from:$from_port", "127.0.0.1:$port");

$stream = stream_socket_client("udp://127.0.0.1:$port");
stream_set_timeout($stream, 10);
fwrite($stream, 'by a stream');
check('by a stream', fread($stream, 100), 'stream a by');

socket_sendto($socket, 'waited for', 10, 0, '127.0.0.1', $port);
$read = [$socket];
$none = null;
check('one is ready', socket_select($read, $none, $none, 10), 1);
socket_recv($socket, $said, 100, MSG_DONTWAIT);
check('waited for', $said, 'for waited');

$long = implode(' ', range(1, 5000));
socket_sendto($socket, $long, strlen($long), 0, '127.0.0.1', $port);
socket_recvfrom($socket, $said, 65536, 0, $from, $from_port);
check('long', $said, implode(' ', range(5000, 1)));

socket_sendto($socket, 'the end', 7, 0, '127.0.0.1', $port);
socket_recvfrom($socket, $said, 100, 0, $from, $from_port);
check('the end', $said, 'end the');
