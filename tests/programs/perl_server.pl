# SPDX-License-Identifier: MIT
# perl_server.pl ADDRESS PORT - answer each datagram with its words in reverse, from a
# child of its own for each peer, until "end"
use strict;
use warnings;
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;

my ($addr, $port) = @ARGV;
my %any = (Proto => 'udp', LocalAddr => $addr, LocalPort => $port);
my $socket = ($addr =~ /:/
    ? IO::Socket::IP->new(%any, V6Only => 0)
    : IO::Socket::INET->new(%any)) or die "bind: $@";
my $select = IO::Select->new($socket);

while ($select->can_read(20)) {
    my $peer = $socket->recv(my $text, 65536) // die "recv: $!";
    my $answer = join ' ', reverse split / /, $text;
    if ($text =~ /child/) {
        my $child = fork // die "fork: $!";
        unless ($child) {
            $socket->send("$answer $$", 0, $peer) // die "send: $!";
            exit;
        }
        waitpid $child, 0;
        die "child: $?" if $?;
        next;
    }
    $socket->send($answer, 0, $peer) // die "send: $!";
    exit if $text eq 'the end';
}
die 'nothing came';
