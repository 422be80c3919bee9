<?php
// SPDX-License-Identifier: MIT
// php_client.php ADDRESS PORT - talk with php_server.php: by the extension "sockets",
// connected and not, and by a stream of PHP's own
$host = $argv[1];
$port = (int)$argv[2];
$family = strpos($host, ':') === false ? AF_INET : AF_INET6;
$url = $family === AF_INET ? "udp://$host:$port" : "udp://[$host]:$port";

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
    global $family;
    $socket = socket_create($family, SOCK_DGRAM, SOL_UDP);
    $timeout = ['sec' => 10, 'usec' => 0];
    socket_set_option($socket, SOL_SOCKET, SO_RCVTIMEO, $timeout);
    return $socket;
}

$connected = fresh();
socket_connect($connected, $host, $port);
socket_write($connected, 'one two three');
check('connected', socket_read($connected, 100), 'three two one');

$socket = fresh();
socket_sendto($socket, 'not connected', 13, 0, $host, $port);
socket_recvfrom($socket, $said, 100, 0, $from, $from_port);
check('not connected', $said, 'connected not');
check('the same peer', "$from:$from_port", "$host:$port");

$stream = stream_socket_client($url);
stream_set_timeout($stream, 10);
fwrite($stream, 'by a stream');
check('by a stream', fread($stream, 100), 'stream a by');

socket_sendto($socket, 'waited for', 10, 0, $host, $port);
$read = [$socket];
$none = null;
check('one is ready', socket_select($read, $none, $none, 10), 1);
socket_recv($socket, $said, 100, MSG_DONTWAIT);
check('waited for', $said, 'for waited');

$long = implode(' ', range(1, 5000));
socket_sendto($socket, $long, strlen($long), 0, $host, $port);
socket_recvfrom($socket, $said, 65536, 0, $from, $from_port);
check('long', $said, implode(' ', range(5000, 1)));

socket_sendto($socket, 'the end', 7, 0, $host, $port);
socket_recvfrom($socket, $said, 100, 0, $from, $from_port);
check('the end', $said, 'end the');
