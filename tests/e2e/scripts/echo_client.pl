# SPDX-License-Identifier: MIT
# echo_client.pl PORT - send each line of stdin, print what comes back
use strict;
use warnings;
use IO::Handle;
use Socket;

my ($port) = @ARGV;
STDOUT->autoflush(1);
socket(my $sock, 2, 7, 253) or die "socket: $!";
while (my $line = <STDIN>) {
	send($sock, $line, 0, pack_sockaddr_in($port, INADDR_LOOPBACK)) //
		die "send: $!";
	recv($sock, my $data, 2048, 0) // die "recv: $!";
	print $data;
}
close($sock) or die "close: $!";
