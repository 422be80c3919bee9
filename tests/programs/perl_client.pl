# SPDX-License-Identifier: MIT
# perl_client.pl ADDRESS PORT - talk with perl_server.pl, connected and not
use strict;
use warnings;
use IO::Socket::INET;
use IO::Socket::IP;
use Socket qw(AF_INET AF_INET6 inet_pton pack_sockaddr_in pack_sockaddr_in6
    SO_RCVTIMEO SOL_SOCKET);

my ($addr, $port) = @ARGV;
my $class = $addr =~ /:/ ? 'IO::Socket::IP' : 'IO::Socket::INET';
my $server = $addr =~ /:/
    ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $addr))
    : pack_sockaddr_in($port, inet_pton(AF_INET, $addr));
my $timeout = pack 'l!l!', 10, 0;

sub check {
    my ($what, $said, $expected) = @_;
    die "$what: $said" unless $said =~ /^$expected$/;
    print "$what\n";
}

my $connected = $class->new(
    Proto    => 'udp',
    PeerAddr => $addr,
    PeerPort => $port,
) or die "connect: $@";
$connected->setsockopt(SOL_SOCKET, SO_RCVTIMEO, $timeout) or die $!;
$connected->send('one two three') // die "send: $!";
$connected->recv(my $said, 100) // die "recv: $!";
check('connected', $said, 'three two one');
die 'peer' unless $connected->peerport == $port;

syswrite $connected, 'from a child' or die "write: $!";
sysread($connected, $said, 100) or die "read: $!";
check('from a child', $said, 'child a from \d+');

my $socket = $class->new(
    Proto     => 'udp',
    LocalAddr => $addr =~ /:/ ? '::' : '0.0.0.0',
    LocalPort => 0,
) or die $@;
$socket->setsockopt(SOL_SOCKET, SO_RCVTIMEO, $timeout) or die $!;
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
