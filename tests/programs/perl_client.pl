# SPDX-License-Identifier: MIT
# perl_client.pl PORT - talk with perl_server.pl, connected and not
use strict;
use warnings;
use IO::Socket::INET;
use Socket qw(inet_aton pack_sockaddr_in SO_RCVTIMEO SOL_SOCKET);

my $port = $ARGV[0];
my $timeout = pack 'l!l!', 10, 0;

sub check {
    my ($what, $said, $expected) = @_;
    die "$what: $said" unless $said =~ /^$expected$/;
    print "$what\n";
}

my $connected = IO::Socket::INET->new(
    Proto    => 'udp',
    PeerAddr => "127.0.0.1:$port",
) or die "connect: $@";
$connected->setsockopt(SOL_SOCKET, SO_RCVTIMEO, $timeout) or die $!;
$connected->send('one two three') // die "send: $!";
$connected->recv(my $said, 100) // die "recv: $!";
check('connected', $said, 'three two one');
die 'peer' unless $connected->peerport == $port;

syswrite $connected, 'from a child' or die "write: $!";
sysread($connected, $said, 100) or die "read: $!";
check('from a child', $said, 'child a from \d+');

my $socket = IO::Socket::INET->new(Proto => 'udp', LocalPort => 0) or die $@;
$socket->setsockopt(SOL_SOCKET, SO_RCVTIMEO, $timeout) or die $!;
my $server = pack_sockaddr_in($port, inet_aton('127.0.0.1'));
$socket->send('not connected', 0, $server) // die "send: $!";
my $peer = $socket->recv($said, 100) // die "recv: $!";
check('not connected', $said, 'connected not');
die 'another peer' unless $peer eq $server;

my $long = join ' ', 1 .. 5000;
$socket->send($long, 0, $server) // die "send: $!";
$socket->recv($said, 65536) // die "recv: $!";
check('long', $said, join ' ', reverse 1 .. 5000);

$socket->send('the end', 0, $server) // die "send: $!";
$socket->recv($said, 100) // die "recv: $!";
check('the end', $said, 'end the');
