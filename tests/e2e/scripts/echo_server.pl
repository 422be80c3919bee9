# SPDX-License-Identifier: MIT
# echo_server.pl PORT - answer two datagrams with themselves, then end
use strict;
use warnings;
use Socket;

my ($port) = @ARGV;
socket(my $sock, 2, 7, 253) or die "socket: $!";
bind($sock, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "bind: $!";
for (1 .. 2) {
	my $peer = recv($sock, my $data, 2048, 0) or die "recv: $!";
	send($sock, $data, 0, $peer) // die "send: $!";
}
close($sock) or die "close: $!";
